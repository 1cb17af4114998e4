"""A separate, real libvirtd with guests, for the tests and the benchmarks."""
