"""Tests on a real libvirtd with real QEMU guests, started and ended by the tests themselves."""
