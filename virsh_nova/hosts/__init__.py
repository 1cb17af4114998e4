"""Where guests come from: a libvirt, the files of a host, a saved document, or several of them."""
