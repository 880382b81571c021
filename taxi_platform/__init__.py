"""A data platform for New York's taxi trips: source -> raw -> cleaned -> lake -> warehouse, month by month."""

__version__ = "0.1.0"
