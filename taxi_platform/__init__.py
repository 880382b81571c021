"""A data platform for New York's taxi trips: source -> raw -> cleaned -> lake -> warehouse, month by month."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxi_platform.analysis.trips import open_trips

__version__ = "0.1.0"
__all__ = ("__version__", "open_trips")


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: `import taxi_platform` stays quick."""
    if name == "open_trips":
        from taxi_platform.analysis.trips import open_trips

        return open_trips
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
