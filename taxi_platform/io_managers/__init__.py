"""How a month is put down and picked up. Written to be borrowed: these know months and tables, not taxis."""
