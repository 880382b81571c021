"""Months as partitions of BigQuery tables, each swapped by one copy job, with a ledger that every run can finish."""
