"""nova-domains: what OpenStack Nova recorded in the libvirt domains of a compute host."""

__version__ = "0.1.0"
