"""Ctrl-C (or a notebook's stop button) that waits for the end of a training step."""

from __future__ import annotations

import contextlib
import inspect
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class Deferral:
    """The reader's wish to stop, noted until the step is finished. Truthy once they have asked.

    As a handler of SIGINT it notes the first one only; the second raises KeyboardInterrupt at once.

    Attributes:
        before: the handler that stood there before.
        ended: whether the loop is over, and signals are the former handler's again.
    """

    def __init__(self, before: object, saves: bool):
        self.before, self.ended = before, False
        self._asked, self._saves = False, saves
        self._consumer: FrameType | None = None

    def __bool__(self) -> bool:
        return self._asked

    def driven(self) -> None:
        """Note who runs the training loop: the caller's first caller that is no generator itself.

        A reader may iterate over ``tqdm(loop)``; tqdm's frame rests while the loop's body runs, the reader's does not. And
        a for-loop that ends by an exception leaves its generator, and with it this handler, alive for a while: a SIGINT
        that comes when the consumer no longer runs is the former handler's.
        """
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_flags & inspect.CO_GENERATOR:
            frame = frame.f_back
        self._consumer = frame

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.ended or self._asked or not self._runs(frame):
            self._asked = False
            restore(self)
            signal.raise_signal(signal.SIGINT)
            return
        self._asked = True
        said = "Stopping after this step" + ("; the state is saved" if self._saves else "")
        with contextlib.suppress(RuntimeError, OSError, ValueError):  # in the middle of other output, or without any
            print(f"\n{said}. Interrupt again to stop at once.", file=sys.stderr)

    def granted(self) -> None:
        """The wish is being fulfilled."""
        self._asked = False

    def abandon(self) -> None:
        """The loop was left by ``break`` before the wish could be fulfilled: interrupt what follows it, in a moment.

        Not now, for what is raised while a generator is closed gets lost.
        """
        if self._asked and self._runs(sys._getframe(1)):
            threading.Timer(0.01, _interrupt_main_thread).start()
        self._asked = False

    def end(self) -> None:
        """Signals are the former handler's again."""
        self.ended, self._consumer = True, None

    def _runs(self, frame: FrameType | None) -> bool:
        while frame is not None and frame is not self._consumer:
            frame = frame.f_back
        return frame is not None


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # which ends what it waits for, too
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def deferred_interrupt(saves: bool) -> Iterator[Deferral]:
    """While open, SIGINT waits for the end of a step, see `Deferral`.

    Args:
        saves: whether the state is saved when the step is finished, for what is said.

    Does nothing outside the main thread, where Python delivers no signals; nor where SIGINT is ignored, as by what a shell
    runs in the background.
    """
    before = signal.getsignal(signal.SIGINT)
    request = Deferral(before, saves)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield request
        return
    signal.signal(signal.SIGINT, request)
    try:
        yield request
    finally:
        request.end()
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is request:
            restore(request)


def restore(request: Deferral) -> None:
    """Put back the handler from before, and not one of a loop that is over by now."""
    before = request.before
    while isinstance(before, Deferral) and before.ended:
        before = before.before
    signal.signal(signal.SIGINT, before)
