"""What each part of a cluster used between two moments: CPU time and context switches, from /proc."""
import collections
import contextlib
import os
import re

Use = collections.namedtuple("Use", "cpu_ns switches")
PARTS = ("load", "api", "broker", "executor", "store", "source")


def below(pid):
    """A process and all that descend from it."""
    children = collections.defaultdict(list)
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="latin-1") as file:
            parent = int(file.read().rpartition(")")[2].split()[1])
            children[parent].append(int(name))
    found, at = [pid], 0
    while at < len(found):
        found += children[found[at]]
        at += 1
    return found


def use_of(pid):
    """Sums over the threads of a process; those that ended are missing."""
    cpu_ns = switches = 0
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            folder = f"/proc/{pid}/task/{task}"
            with contextlib.suppress(OSError):
                with open(folder + "/schedstat", encoding="ascii") as file:
                    cpu_ns += int(file.read().split()[0])
                with open(folder + "/status", encoding="utf-8", errors="replace") as file:
                    switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", file.read())))
    return Use(cpu_ns, switches)


def client_use(said):
    """What a client of ours says of itself."""
    return Use(said["cpu_us"] * 1e3, said["switches"])


def busy_ns():
    """CPU time of the whole machine, ours and others', without idle and stolen time."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = list(map(int, file.readline().split()[1:]))
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) * 10_000_000


class Meter:
    """`with Meter(nodes) as meter:` around what is measured; then meter.of[part]. `nodes`: those of
    cluster.json. The load generator counts for itself."""

    def __init__(self, nodes):
        self.pids = {node["name"]: node["pid"] for node in nodes}
        self.roles = {node["name"]: node["role"] for node in nodes}
        self.of = {}

    def _read(self):
        return {(name, pid): use_of(pid)
                for name, top in self.pids.items() for pid in below(top)}

    def __enter__(self):
        self.machine_ns = busy_ns()
        self.before = self._read()
        return self

    def __exit__(self, *_):
        after = self._read()
        self.machine_ns = busy_ns() - self.machine_ns
        sums = collections.defaultdict(lambda: [0, 0])
        for key, use in after.items():
            old = self.before.get(key, Use(0, 0))
            part = sums[self.roles[key[0]]]
            part[0] += use.cpu_ns - old.cpu_ns
            part[1] += use.switches - old.switches
        self.of = {role: Use(*both) for role, both in sums.items()}

    def others(self):
        """The share of the machine's busy time that was not ours."""
        ours = sum(use.cpu_ns for use in self.of.values())
        return max(0.0, 1 - ours / self.machine_ns) if self.machine_ns else 0.0


def memory_of(pid):
    """{VmRSS, VmHWM, RssAnon} in MiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        found = re.findall(r"^(VmRSS|VmHWM|RssAnon):\s+(\d+) kB", file.read(), re.M)
    return {name: int(kib) / 1024 for name, kib in found}


def forget_peak(pid):
    """Make VmHWM start again from what is resident now."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
