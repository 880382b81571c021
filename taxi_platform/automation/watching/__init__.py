"""Watching a source: which of its months are new, which are other ones than we hold. No Dagster."""
