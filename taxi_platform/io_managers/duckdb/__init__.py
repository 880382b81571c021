"""Months as rows of a DuckDB table, with a ledger in the same transaction."""
