"""Bars on a terminal: the months, and the stages of the one at hand, each with its rate and the time left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from taxi_platform.cli.tables import size_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, Task

MONTHS = "months"


@contextlib.contextmanager
def bars(months: int, *, show: bool, console: Console | None = None) -> Iterator[Callable[[str], None]]:
    """Bars for so many months, on a terminal; nothing elsewhere. Gives what is to be told of each month that begins."""
    from rich.console import Console

    console = console or Console(stderr=True)
    if not show or not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    from taxi_platform.assets.progress import watched_by

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.fields[about]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        shown = _Shown(progress, months)
        with watched_by(shown.moved):
            yield shown.month_begins


class _Shown:
    """What the bars stand at."""

    def __init__(self, progress: Progress, months: int) -> None:
        from taxi_platform.assets.stages import STAGES

        self._progress, self._begun = progress, 0
        self._stages = STAGES
        self._all = progress.add_task(MONTHS, total=months, visible=months > 1, about="")
        self._tasks = {stage: progress.add_task(stage, total=None, visible=False, about="") for stage in STAGES}

    def month_begins(self, title: str) -> None:
        self._progress.update(self._all, completed=self._begun)
        self._begun += 1
        for stage, task in self._tasks.items():
            self._progress.reset(task, total=None, description=f"{title} {stage}", visible=False, start=False, about="")
        self._tell(self._all, months_left)

    def moved(self, stage: str, done: int, total: int | None) -> None:
        for earlier in self._stages[: self._stages.index(stage)]:
            size = self._task(self._tasks[earlier]).total or 1
            self._progress.update(self._tasks[earlier], total=size, completed=size, about="100%")
        task = self._tasks[stage]
        self._progress.start_task(task)
        self._progress.update(task, advance=done, total=total, visible=True)
        self._tell(task, bytes_left)
        self._tell(self._all, months_left)

    def _tell(self, number: int, about: Callable[[Task], str]) -> None:
        self._progress.update(self._task(number).id, about=about(self._task(number)))

    def _task(self, number: int) -> Task:
        return next(task for task in self._progress.tasks if task.id == number)


def months_left(task: Task) -> str:
    """`3 of 48, 00:02:10 left`: as long as the others took, whatever the last one did."""
    done, total = int(task.completed), int(task.total or 0)
    if not done or task.elapsed is None:
        return f"{done} of {total}"
    left = timedelta(seconds=round(task.elapsed / done * (total - done)))
    return f"{done} of {total}, {60 * done / max(task.elapsed, 0.001):.1f} a minute, {left} left"


def bytes_left(task: Task) -> str:
    """`34%, 12.3 MB/s, 0:00:07 left`; what is not known is not said."""
    percent = f"{task.percentage:.0f}%" if task.total else ""
    rate = f"{size_of(task.speed)}/s" if task.speed else ""
    left = f"{timedelta(seconds=round(task.time_remaining))} left" if task.total and task.time_remaining else ""
    return ", ".join(part for part in (percent, rate, left) if part)
