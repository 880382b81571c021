"""`taxi ...`: thin, over Dagster."""
