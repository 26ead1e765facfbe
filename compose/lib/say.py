"""What the user sees: one line per step with the time it took, and failures that say where to look."""
import collections
import contextlib
import sys
import threading
import time

TAIL_LINES = 20


class Failure(Exception):
    """Something that the user should read: what failed and, where there is one, its log."""

    def __init__(self, what, log=None):
        super().__init__(what)
        self.what = what
        self.log = log


class Refused(Failure):
    """A request that cannot be granted as things stand; nothing was changed."""


class Stop(BaseException):
    """A signal asked this program to end."""


def line(text="", end="\n"):
    """Print, and go on when nobody listens any more (the terminal may be gone)."""
    with contextlib.suppress(OSError, ValueError):
        print(text, end=end, flush=True)


def tail(path, lines=TAIL_LINES):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [one.rstrip("\n") for one in collections.deque(file, maxlen=lines)]
    except OSError:
        return []


def failure(program, failed):
    with contextlib.suppress(OSError, ValueError):
        print(f"{program}: {failed.what}", file=sys.stderr)
        if failed.log:
            for one in tail(failed.log):
                print(f"  | {one}", file=sys.stderr)
            print(f"  its log: {failed.log}", file=sys.stderr)
        sys.stderr.flush()


@contextlib.contextmanager
def step(name):
    """A step of `up`. Sets what stands behind its time: `with step("x") as note: note("12 rows")`."""
    notes = []
    began = time.monotonic()
    line(f"{name:<34}", end="")
    try:
        yield notes.append
    except Failure:
        line(f"FAILED {time.monotonic() - began:6.2f} s")
        raise
    except BaseException:
        line("stopped")
        raise
    line("  ".join([f"{time.monotonic() - began:6.2f} s"] + notes))


class Work:
    """Calls under way in threads of their own; result() waits for one and raises what it raised."""

    def __init__(self, call, *args):
        self.value = None
        self.error = None
        self.thread = threading.Thread(target=self._run, args=(call, args), daemon=True)
        self.thread.start()

    def _run(self, call, args):
        try:
            self.value = call(*args)
        except BaseException as error:  # handed to the thread that asks
            self.error = error

    def result(self):
        self.thread.join()
        if self.error:
            raise self.error
        return self.value


def together(calls):
    """Run (function, arguments...) tuples at the same time. All have ended when it returns."""
    works = [Work(*call) for call in calls]
    for work in works:
        work.thread.join()
    return [work.result() for work in works]
