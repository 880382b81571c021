"""For those who ask the trips: straight from the lake, no warehouse and no Dagster needed."""
