"""Ctrl-C (or a notebook's stop button) that waits for the end of a training step."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class InterruptRequest:
    """Whether the reader has asked to stop. Truthy once they have."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextlib.contextmanager
def deferred_interrupt(consumer: FrameType) -> Iterator[InterruptRequest]:
    """While open, the first SIGINT only notes the wish; the second raises KeyboardInterrupt at once.

    Args:
        consumer: the frame that runs the training loop. A for-loop that ends by an exception leaves its generator, and
            with it this handler, alive for a while; a SIGINT that arrives when ``consumer`` no longer runs goes to the
            handler that stood there before.

    Does nothing outside the main thread, where Python delivers no signals.
    """
    request = InterruptRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        if request.asked or not _runs(consumer, frame):
            signal.signal(signal.SIGINT, before)
            if callable(before):
                before(number, frame)
            return
        request.asked = True
        print("\nStopping after this step; the state is saved. Interrupt again to stop at once.", file=sys.stderr)

    signal.signal(signal.SIGINT, handle)
    try:
        yield request
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)


def _runs(wanted: FrameType, frame: FrameType | None) -> bool:
    while frame is not None:
        if frame is wanted:
            return True
        frame = frame.f_back
    return False
