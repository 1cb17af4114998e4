"""``check``: the block against the guest, the guests against each other, and against Nova."""
