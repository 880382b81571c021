"""Months as partitions of a Postgres table, swapped in one transaction with their ledger row."""
