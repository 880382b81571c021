"""A fare model out of months that need not fit into memory: least squares, added up batch by batch.

    python examples/analysis/fare_model.py yellow 2024-01 2024-03

fits the months but the last, and tells how far off the model is on the last, which it has never seen. Only five
columns are read, and of a month no more than a batch is in memory at a time: what is kept is a matrix of 12 by 12.

It takes the minutes of a trip for known, which they are when it has ended: a check of the meter, not a quotation.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import taxi_platform
from taxi_platform.analysis.trips import Trips

Numbers = npt.NDArray[np.float64]

COLUMNS = ["pickup_datetime", "dropoff_datetime", "trip_distance_miles", "rate_code_id", "fare_amount"]
STANDARD, JFK, NEGOTIATED = 1, 2, 5
RATES = (STANDARD, JFK, NEGOTIATED)
"""Each has prices of its own: by time and distance, a flat fare, whatever was agreed. All others are one more group."""

SIZE = 3 * (len(RATES) + 1)


def features(batch: pa.RecordBatch) -> tuple[Numbers, Numbers]:
    """What the fares are to follow from, and the fares, of the trips that a meter can have run.

    For each group of rates: a flag fall, dollars a mile, dollars a minute.
    """
    columns = {name: batch.column(name) for name in COLUMNS}
    pickup, dropoff = (columns[name].cast(pa.int64()).to_numpy(zero_copy_only=False) for name in COLUMNS[:2])
    minutes = (dropoff - pickup) / 60e6
    miles = columns["trip_distance_miles"].to_numpy(zero_copy_only=False)
    fares = columns["fare_amount"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    rates = columns["rate_code_id"].fill_null(0).to_numpy(zero_copy_only=False)
    # What is missing is NaN, which is neither above nor below anything.
    possible = (minutes > 0.5) & (minutes < 180) & (miles > 0) & (miles < 100) & (fares > 0) & (fares < 500)
    groups = [*(rates == rate for rate in RATES), ~np.isin(rates, RATES)]
    terms = np.stack([np.ones_like(miles), miles, minutes], axis=1)
    table = np.concatenate([group[:, None] * terms for group in groups], axis=1)
    return table[possible], fares[possible]


@dataclass
class FareModel:
    """Ordinary least squares by its normal equations, to which any number of batches can be added.

    Attributes:
        trips: How many it was fitted to.
        left_out: And how many were none that a meter can have run.
    """

    products: Numbers = field(default_factory=lambda: np.zeros((SIZE, SIZE)))
    targets: Numbers = field(default_factory=lambda: np.zeros(SIZE))
    fares: float = 0.0
    trips: int = 0
    left_out: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        table, fares = features(batch)
        self.products += table.T @ table
        self.targets += table.T @ fares
        self.fares += fares.sum()
        self.trips += len(fares)
        self.left_out += batch.num_rows - len(fares)

    @property
    def weights(self) -> Numbers:
        """Dollars a flag fall, a mile and a minute, group by group; 0 for a rate that no trip had."""
        found: Numbers = np.linalg.lstsq(self.products, self.targets, rcond=None)[0]
        return found

    @property
    def mean(self) -> float:
        """The fare that says nothing of the trip: whoever cannot do better than this has learnt nothing."""
        return self.fares / self.trips


@dataclass(frozen=True)
class Score:
    """How far off dollars are, on trips that were not learnt from."""

    trips: int
    mean_error: float
    root_mean_square_error: float


def fit(trips: Trips) -> FareModel:
    model = FareModel()
    with trips.reader() as reader:
        for batch in reader:
            model.add(batch)
    return model


def scores(model: FareModel, trips: Trips) -> tuple[Score, Score]:
    """The model, and beside it the mean, on other trips than those that it was fitted to."""
    weights, count = model.weights, 0
    errors = np.zeros((2, 2))
    with trips.reader() as reader:
        for batch in reader:
            table, fares = features(batch)
            for said, guesses in enumerate((table @ weights, model.mean)):
                off = np.abs(fares - guesses)
                errors[said] += off.sum(), (off**2).sum()
            count += len(fares)
    of_model, of_mean = (Score(count, total / count, (squares / count) ** 0.5) for total, squares in errors)
    return of_model, of_mean


def main(service: str, first: str, last: str) -> None:
    """Fit the months from `first` on, but `last`, and tell what the model says of that one."""
    months = list(taxi_platform.open_trips(service, first, last, columns=COLUMNS).versions)
    model = fit(taxi_platform.open_trips(service, first, months[-2], columns=COLUMNS))
    of_model, of_mean = scores(model, taxi_platform.open_trips(service, last, columns=COLUMNS))
    print(f"Fitted to {model.trips:,} trips of {first} to {months[-2]}; {model.left_out:,} left out: no meter ran so.")
    fall, mile, minute = model.weights[:3]
    print(f"The standard rate it found: {fall:.2f} dollars, {mile:.2f} a mile, {minute:.2f} a minute.")
    print(f"On {of_model.trips:,} trips of {last}, which it has never seen, it is off by")
    for name, score in (("the model", of_model), ("always the mean", of_mean)):
        print(f"  {name:<16} {score.mean_error:6.2f} dollars; root mean square {score.root_mean_square_error:6.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
