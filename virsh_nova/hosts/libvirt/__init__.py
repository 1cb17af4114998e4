"""A host through its libvirt: the only package that calls libvirt."""
