"""Where the facts for a block come from: the guest itself, files, a cloud, the command line."""
