"""SIGTERM and SIGINT: a run unwinds at once, and is ended after four seconds if it cannot.

A signal reaches Python only between two of its own steps, and an upload that hangs waits for its
connection. Ending the process is safe: the next run takes up what is whole.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import ClassVar, NoReturn

GRACE = 4.0  # seconds
AWAKE = 0.2  # seconds after which a main thread that has not heard of the signal is woken


class Stopped(BaseException):
    """SIGTERM or SIGINT came.

    What is raised within an expression Polars raises anew, as one of the same class with its own
    words, or as an error of its own: that a signal came, and which, is told by the class.
    """

    signal: ClassVar[int] = 0


def stop_on_signals(end: Callable[[int], None]) -> None:
    """Raise Stopped in the main thread; after `GRACE` call `end` with the signal, and exit."""
    waker, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)  # written before Python's own turn
    threading.Thread(target=_watch, args=(waker, end), name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    Stopped.signal = number
    raise Stopped


def _watch(waker: int, end: Callable[[int], None]) -> None:
    number = 0
    while number not in {signal.SIGTERM, signal.SIGINT}:
        number = os.read(waker, 1)[0]
    time.sleep(AWAKE)
    if not Stopped.signal:
        _wake(number)
    time.sleep(GRACE - AWAKE)
    try:
        end(number)
    finally:
        os._exit(128 + number)


def _wake(number: int) -> None:
    """Let the signal end what the main thread waits for.

    Polars puts a handler of its own before ours for SIGINT, and asks for waits to go on after it.
    """
    main = threading.main_thread().ident
    signal.siginterrupt(number, True)
    if main is not None:
        signal.pthread_kill(main, number)
