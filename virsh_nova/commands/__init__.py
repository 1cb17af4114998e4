"""The commands, a file each: their options, and what they call. What they need beyond click is
imported when they run."""
