"""Ctrl-C and SIGTERM while months are loaded: they are to end the command, not only the run at hand."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Gives a question: was this process asked to stop since the context began?

    Between runs nothing else happens. During a run Dagster has handlers of its own: they cancel the run, or, where it
    is between two steps, forget the signal. So it is Python that keeps account of signals here, whoever handles them.
    """
    if threading.current_thread() is not threading.main_thread():  # which is not told of signals
        yield lambda: False
        return
    told, tell = os.pipe()
    os.set_blocking(told, False)
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    # SIGINT too: who starts us in the background has it ignored, and Dagster would then have SIGTERM ignored as well.
    handlers = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    asked = False

    def was_asked() -> bool:
        nonlocal asked
        with contextlib.suppress(BlockingIOError):
            asked = not set(_SIGNALS).isdisjoint(os.read(told, 1024)) or asked
        return asked

    try:
        yield was_asked
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(told)
        os.close(tell)
