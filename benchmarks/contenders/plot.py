"""Draws the months of a result side by side, each contender a bar: `python plot.py RESULT.json`."""

import json
import statistics
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "taxi", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
from matplotlib import pyplot as plt  # noqa: E402 (the way of drawing comes first)

path = Path(sys.argv[1])
months = [table for table in json.loads(path.read_text())["tables"] if any(table["leaves_out"].values())]
if months:
    figure, axes = plt.subplots(len(months), 1, figsize=(8, 1.9 * len(months)), squeeze=False, layout="constrained")
    for axis, month in zip(axes[:, 0], months, strict=True):
        walls = {name: statistics.median(run["wall_s"] for run in runs) for name, runs in month["took"].items()}
        names = list(walls)[::-1]
        colours = ["#f2b705" if name.startswith("taxi_platform") else "#9aa5b1" for name in names]
        bars = axis.barh(names, [walls[name] for name in names], color=colours)
        axis.bar_label(bars, fmt="%.1f s", padding=3)
        axis.set_title(month["title"], loc="left", fontsize=10)
        axis.margins(x=0.12)
    axes[-1, 0].set_xlabel("seconds, median; each of the others does less (see the table)")
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
