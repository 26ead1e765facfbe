"""Processes: started in sessions of their own, named by pid and start time, awaited by pidfd.

A pid alone names nobody: it may have been given to a stranger since. A process is recorded as
{pid, born, program}; `born` is the boot's id and the kernel's start time of the process, and no
signal goes out before both are compared.
"""
import os
import select
import signal
import subprocess
import time

from say import Failure

_children = []
_tools = set()
_ended = False
TOOL_ENDS_S = 10


def no_more():
    """From now on nothing is started, and tools that run are ended: what a failed or stopped `up`
    still does in other threads must not go on behind the back of who stops it."""
    global _ended
    _ended = True
    for tool in list(_tools):
        _end_tool(tool, TOOL_ENDS_S)


def _end_tool(tool, seconds):
    tool.terminate()
    try:
        tool.wait(seconds)
    except subprocess.TimeoutExpired:
        tool.kill()
        tool.wait()


def run(argv, input=None, timeout=None, patience=TOOL_ENDS_S, **more):
    """subprocess.run for tools, from any thread: asked to end, and not killed at once, when its
    time is over or the cluster is stopped."""
    if _ended:
        raise Failure("stopped")
    source = {"stdin": subprocess.DEVNULL} if input is None else {"stdin": subprocess.PIPE}
    with subprocess.Popen(argv, **source, **more) as tool:
        _tools.add(tool)
        try:
            out, err = tool.communicate(input, timeout)
        except BaseException:
            _end_tool(tool, patience)
            raise
        finally:
            _tools.discard(tool)
    return subprocess.CompletedProcess(argv, tool.returncode, out, err)


def _boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()[:8]


def stat(pid):
    """(state letter, parent, start time) as /proc has them, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return fields[0], int(fields[1]), fields[19]


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def born(pid):
    now = stat(pid)
    return f"{_boot()}-{now[2]}" if now else None


def record(pid):
    return {"pid": pid, "born": born(pid), "program": cmdline(pid)[0] if cmdline(pid) else ""}


def untitled(pid):
    """The record of a process that changes its own command line."""
    return {"pid": pid, "born": born(pid), "program": ""}


def state(one):
    """"up", "paused" or "down" for a record (None is down). What has ended but was not yet
    collected by its parent is down."""
    if not one or not one.get("pid"):
        return "down"
    now = stat(one["pid"])
    if not now or now[0] in "ZX" or f"{_boot()}-{now[2]}" != one["born"]:
        return "down"
    if one["program"] and cmdline(one["pid"])[:1] != [one["program"]]:
        return "down"
    return "paused" if now[0] in "Tt" else "up"


def environment(extra=None):
    """Ours without what would reach into Millrace or libpq from the caller's shell."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MILLRACE_", "PG"))}
    kept["LC_ALL"] = "C.UTF-8"
    kept.update(extra or {})
    return kept


def as_user(user):
    """Arguments for subprocess that make the child run as that user (None: as we are)."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def spawn(argv, log, cwd="/", user=None):
    """Start in a session of its own, output appended to `log`. Returns the record."""
    if _ended:
        raise Failure("stopped")
    with open(log, "ab") as out, open(os.devnull, "rb") as nothing:
        child = subprocess.Popen(argv, stdin=nothing, stdout=out, stderr=out, cwd=cwd,
                                 env=environment(), start_new_session=True, **as_user(user))
    _children.append(child)
    return record(child.pid)


def collect():
    """Take leave of children of ours that ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def send(one, number):
    """Signal a record's process if it is still that one. False when it is gone."""
    if state(one) == "down":
        return False
    try:
        os.kill(one["pid"], number)
    except ProcessLookupError:
        return False
    return True


def descendants(pid):
    """Every process below `pid`, from one look at /proc."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            now = stat(name)
            if now and now[0] not in "ZX":
                parents.setdefault(now[1], []).append(int(name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def titled(prefix):
    """Processes whose command line starts with `prefix`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and " ".join(cmdline(name)).startswith(prefix):
            now = stat(name)
            if now and now[0] not in "ZX":
                found.append(int(name))
    return found


def wait_gone(records, seconds):
    """Wait until none of them runs. Returns those that still do when the time is over."""
    deadline = time.monotonic() + seconds
    for one in records:
        _wait_one(one, deadline)
    collect()
    return [one for one in records if state(one) != "down"]


def _wait_one(one, deadline):
    try:
        watch = os.pidfd_open(one["pid"])
    except ProcessLookupError:
        return
    except OSError:  # a kernel without pidfds
        while state(one) != "down" and time.monotonic() < deadline:
            time.sleep(0.01)
        return
    try:
        if state(one) != "down":
            poller = select.poll()
            poller.register(watch, select.POLLIN)
            poller.poll(max(0, deadline - time.monotonic()) * 1000)
    finally:
        os.close(watch)


def end(records, number, seconds):
    """Signal all, wake those that are paused, and wait. Returns those that did not end."""
    for one in records:
        if send(one, number) and number != signal.SIGKILL:
            send(one, signal.SIGCONT)
    left = wait_gone(records, seconds)
    _wait_collected([one for one in records if one not in left])
    return left


def _wait_collected(records):
    """What has ended stands in /proc until its parent, mostly init, takes note. Give it a moment,
    for the sake of whoever looks next."""
    deadline = time.monotonic() + 0.1
    for one in records:
        while born(one["pid"]) == one["born"] and time.monotonic() < deadline:
            collect()
            time.sleep(0.005)


def wait_stopped(one):
    """SIGSTOP takes effect a moment after it was sent."""
    for _ in range(500):
        if state(one) != "up":
            return
        time.sleep(0.002)


def by_data_folder(folder):
    """The servers that run on a data folder."""
    return [int(name) for name in os.listdir("/proc")
            if name.isdigit() and cmdline(name)[1:3] == ["-D", folder]]
