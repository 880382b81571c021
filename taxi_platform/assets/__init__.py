"""What exists: raw, cleaned, lake, warehouse, and the checks on them."""
