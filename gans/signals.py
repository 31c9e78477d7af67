"""One wish to stop: SIGINT, SIGTERM and SIGHUP mean the same, from the first import to the last byte.

The first signal is obeyed as soon as nothing is lost by it; a second one ends at once. Two that come within `SAME`
seconds are one wish: a terminal and the program that started this one may both pass it on.

`main.py` calls `own_process` before anything heavy is imported. From then on a thread watches, because Python's own
handlers wait for the main thread, which may be in the compiler for minutes. Elsewhere (a notebook, a test) nothing may
end the process, so there is no thread: a signal while training is noted by the loop, any other raises `Stopped`.
"""

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

SIGNALS = tuple(getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name))
SAME = 0.1  # seconds within which two signals are one wish
GRACE = 3.0  # seconds that the main thread has to end by itself once nothing can be lost
TO_LINE_END = '\x1b[K'  # wipes a terminal's line from the cursor on

# By `gans.printing`, on the last line of the terminal: a sentence takes its place, or that of the ^C which the terminal
# has shown while the bar was aside for another line.
bar_is_drawn = False


class Stopped(KeyboardInterrupt):
    """A signal that ends what the main thread does; `code` is the exit code that shells give such an end."""

    def __init__(self, number: int):
        super().__init__(f'Stopped by {name_of(number)}.')
        self.code = code_of(number)


def name_of(number: int) -> str:
    """The name of a signal, for example SIGINT."""
    return signal.Signals(number).name


def code_of(number: int) -> int:
    """The exit code of a process that a signal ended: 129 SIGHUP, 130 SIGINT, 143 SIGTERM."""
    return 128 + number


class Stop:
    """The wish to stop, and who obeys it."""

    def __init__(self):
        self.number = 0  # the first signal; 0 until then
        self._since = 0.0  # when it came
        self._unsaved: Callable[[], bool] | None = None  # while training: would an end lose anything now?
        self._unwinds = False  # does a signal raise `Stopped` in the main thread, which cleans up behind it?
        self._end = threading.Lock()  # taken by the thread that ends the process, once
        self._answered = False  # was it the main thread?
        self._heard = 0  # a signal that the main thread has seen, perhaps before the watcher
        self._raised = False  # was it raised in the main thread already?
        self.code: int | None = None  # the exit code, as soon as all is done
        self._words: list[threading.Thread] = []

    def train(self, unsaved: Callable[[], bool]) -> None:
        """From now on the training loop looks at `number`; `unsaved` says whether an end would lose anything."""
        self._unsaved = unsaved

    def unwind(self) -> None:
        """From now on a signal raises `Stopped`: for work that leaves nothing half done when an exception ends it."""
        self._unwinds = True

    def answer(self) -> None:
        """Says that the main thread is about to end: it is waited for, as long as it takes."""
        if not self._answered and not self._end.acquire(blocking=False):
            threading.Event().wait()  # the watcher is ending the process
        self._answered = True

    def go_on(self) -> None:
        """Says that a training has ended, that it is saved, and that other work follows: another training for example.

        From now on signals are obeyed as they were before that training.

        Raises:
          Stopped: one has come since.
        """
        if not self._come():
            self._unsaved = None
            if self._answered:
                self._answered = False
                self._end.release()
        if number := self._come():  # also one of this very moment
            self._raised = True
            raise Stopped(number)

    def finish(self, code: int) -> int:
        """Says that all is written: a later signal ends at once, with this exit code. Returns the code."""
        self.answer()
        self.code = code
        return code

    def say(self, sentence: str) -> threading.Thread:
        """Prints on the error stream from a thread of its own: the main thread may hold the stream, or hang in it."""
        words = threading.Thread(target=_print, args=[sentence], daemon=True)
        words.start()
        self._words.append(words)
        return words

    def _come(self) -> int:
        return self.number or self._heard

    def _is_again(self, number) -> bool | None:
        """Notes a signal: False for the first one, True for another one, None for the same wish once more."""
        now = time.monotonic()
        if self.number:
            return True if now - self._since > SAME else None
        self.number, self._since = number, now
        return False

    def _tell_first(self):
        if self._unsaved is not None and (self._answered or self._unsaved()):
            self.say(f'Stopping ({name_of(self.number)}): what is under way is saved first; once more ends at once.')


class _Guest(Stop):
    """In a process that is not ours to end: the handlers of Python, which the main thread runs."""

    def handle(self, number, frame):
        again = self._is_again(number)
        if again is False and (self._unsaved is not None or self._answered):
            self._tell_first()
        elif again is not None:
            raise Stopped(number)

    def close(self):
        for words in self._words:
            words.join(1)


class _Owner(Stop):
    """In a process of our own: a thread decides, and `os._exit` ends the process where nobody has to clean up."""

    _safe_since = 0.0  # when a wish came, or later: since when an end would lose nothing

    def handle(self, number, frame):
        self._heard = number
        if self._unwinds and self._unsaved is None and not self._raised and not self._answered:
            self._raised = True
            raise Stopped(number)

    def watch(self, arrivals: int):
        """Reads the numbers of signals from a pipe, for ever."""
        while True:
            waits = self.number and not self._end.locked()
            if select.select([arrivals], [], [], 0.1 if waits else None)[0]:
                number = os.read(arrivals, 1)[0]
                if number in SIGNALS:
                    self._arrived(number)
            elif self._unsaved is not None and self._unsaved():
                self._safe_since = time.monotonic()
            elif time.monotonic() - max(self._since, self._safe_since) > GRACE:
                self._leave(self.number)

    def _arrived(self, number):
        again = self._is_again(number)
        if self.code is not None:
            self._exit(self.code)
        elif again:
            self._exit(code_of(number), f'Ended at once by {name_of(number)}: what was not yet written is given up.')
        elif again is False:
            self._tell_first()
            if self._unsaved is None and not self._unwinds:
                self._leave(number)

    def _leave(self, number):
        """Ends the process, unless the main thread does."""
        if self._end.acquire(blocking=False):
            self._exit(code_of(number), f'Stopped by {name_of(number)}: there was nothing to save.')

    def _exit(self, code, *sentences):
        for sentence in sentences:
            self.say(sentence).join(1)
        os._exit(code)


_current: Stop | None = None


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """The wish to stop of this process: `main.py`'s, or one with handlers for the length of the block.

    A thread that is not the main one gets a wish that never comes: its signals are the main thread's.
    """
    global _current
    if _current is not None:
        yield _current
    elif threading.current_thread() is not threading.main_thread():
        yield Stop()
    else:
        _current = stop = _Guest()
        before = _install(stop.handle)
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            _current = None
            stop.close()


def exit_code() -> int:
    """The exit code that `main.py` has come to; 1 as long as there is none."""
    return 1 if _current is None or _current.code is None else _current.code


def hold() -> None:
    """Keeps signals waiting until `own_process`, also beyond a start of another program in this process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def own_process() -> None:
    """Takes over the signals of this process until its end: it is ours alone, and may be ended anywhere."""
    global _current
    _current = stop = _Owner()
    arrivals, entry = os.pipe()
    os.set_blocking(entry, False)
    threading.Thread(target=stop.watch, args=[arrivals], daemon=True, name='signals').start()
    signal.set_wakeup_fd(entry, warn_on_full_buffer=False)
    _install(stop.handle)
    sys.unraisablehook = _hush
    if hasattr(signal, 'pthread_sigmask'):  # what `hold` has held; not on Windows
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def end(code: int) -> None:
    """Ends the process as Python does, up to where Python is taken down.

    There signals have their old meaning again, and a thread of XLA's that asks for Python then aborts the process.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()
    os._exit(code)


def _install(handler):
    """Sets the handler of every signal that is not ignored (`nohup`, `&` in a script); returns those before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    return before


def _hush(unraisable):
    """`Stopped` may be raised in a destructor, which swallows it: then the watcher ends the process, without this."""
    if not isinstance(unraisable.exc_value, Stopped):
        sys.__unraisablehook__(unraisable)


def _print(sentence):
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody to tell
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f'\r{TO_LINE_END}{sentence}\n' if bar_is_drawn else f'{sentence}\n')
        sys.stderr.flush()
