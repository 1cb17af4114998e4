"""Separate, real compute hosts with guests, for the tests and the benchmarks."""
