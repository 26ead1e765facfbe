"""What each part of a cluster used between two moments: CPU time and context switches, from /proc."""
import collections
import contextlib
import os
import re
import resource

Use = collections.namedtuple("Use", "cpu_ns switches")
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
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
    """Sums over the threads of a process; threads that ended are missing."""
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


def reaped_use(pid):
    """What children of a process used that have ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        fields = file.read().rpartition(")")[2].split()
        return Use((int(fields[13]) + int(fields[14])) * TICK_NS, 0)
    return Use(0, 0)


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
        found = {(name, pid): use_of(pid)
                 for name, top in self.pids.items() for pid in below(top)}
        found.update({(name, "reaped"): reaped_use(top) for name, top in self.pids.items()})
        return found

    def __enter__(self):
        self.machine_ns = busy_ns()
        self.before = self._read()
        return self

    def __exit__(self, *_):
        after = self._read()
        self.machine_ns = busy_ns() - self.machine_ns
        sums = collections.defaultdict(lambda: [0, 0])
        for key in {**self.before, **after}:
            use, old = after.get(key, Use(0, 0)), self.before.get(key, Use(0, 0))
            part = sums[self.roles[key[0]]]
            part[0] += use.cpu_ns - old.cpu_ns
            part[1] += use.switches - old.switches
        self.of = {role: Use(*both) for role, both in sums.items()}

    def sum_ns(self):
        return sum(use.cpu_ns for use in self.of.values())

    def others(self):
        """The share of the machine's busy time that was not ours."""
        return max(0.0, 1 - self.sum_ns() / self.machine_ns) if self.machine_ns else 0.0


class Children:
    """The CPU time of the programs that were started, and have ended, within it."""

    def __init__(self):
        self.cpu_ns = 0

    @staticmethod
    def _read():
        use = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (use.ru_utime + use.ru_stime) * 1e9

    def __enter__(self):
        self.cpu_ns = -self._read()
        return self

    def __exit__(self, *_):
        self.cpu_ns += self._read()


def memory_of(pid):
    """{VmRSS, VmHWM, RssAnon} in MiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        found = re.findall(r"^(VmRSS|VmHWM|RssAnon):\s+(\d+) kB", file.read(), re.M)
    return {name: int(kib) / 1024 for name, kib in found}


def forget_peak(pid):
    """Make VmHWM start again from what is resident now."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
