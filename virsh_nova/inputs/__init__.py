"""From a file to checked values: bounded bytes, YAML and JSON, the fields of objects."""
