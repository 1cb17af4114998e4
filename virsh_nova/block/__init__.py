"""The metadata block: its namespaces and releases, how it is read, compared and checked."""
