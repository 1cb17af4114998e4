"""A real libvirtd of its own with guests to try things on, for the tests and the benchmarks."""
