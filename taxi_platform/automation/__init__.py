"""When: runs started from a terminal, and runs that died."""
