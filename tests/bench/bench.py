"""tests/bench/run: each measure with its ceiling, in turns, from the same run."""
import argparse
import collections
import http.client
import os
import platform
import re
import statistics
import sys
import time
from urllib.parse import urlsplit

import ceilings
import parts
from world import Unfit, World

Measure = collections.namedtuple("Measure", "run unit target")
FINAL_S = 600


class Pair:
    """Figures of ours and of the ceiling, a round each."""

    def __init__(self, what):
        self.what = what
        self.ours = []
        self.ceiling = []

    def add(self, ceiling, ours):
        self.ceiling.append(ceiling)
        self.ours.append(ours)

    def show(self, name, unit, target):
        ratios = [ours / ceiling for ours, ceiling in zip(self.ours, self.ceiling)]
        print(f"{name:10}  ours {spread(self.ours)} {unit}   {self.what} {spread(self.ceiling)}   "
              f"ratio {spread(ratios)}   target {target}", flush=True)


def spread(values):
    def short(value):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return (f"{short(statistics.median(values))} "
            f"({short(min(values))}..{short(max(values))})")


def show_parts(meters, counts, load_ns, load_switches, unit, scale):
    """CPU by part, and context switches, a job or a row: medians of the rounds."""
    shares = {part: [] for part in (*parts.PARTS, "sum")}
    switches = {part: [] for part in (*parts.PARTS, "sum")}
    for meter, count, cpu, turns in zip(meters, counts, load_ns, load_switches):
        uses = dict(meter.of, load=parts.Use(cpu, turns))
        for part in parts.PARTS:
            shares[part].append(uses[part].cpu_ns / count * scale)
            switches[part].append(uses[part].switches / count)
        shares["sum"].append(sum(use.cpu_ns for use in uses.values()) / count * scale)
        switches["sum"].append(sum(use.switches for use in uses.values()) / count)
    print(f"            CPU, {unit}: " + ", ".join(
        f"{part} {statistics.median(values):.0f}" for part, values in shares.items()))
    alone = (os.cpu_count() or 1) * 1e9 * scale / statistics.median(shares["sum"])
    print(f"            with all of the {os.cpu_count()} cores that would be {alone:,.0f} a second")
    print("            context switches: " + ", ".join(
        f"{part} {statistics.median(values):.4g}" for part, values in switches.items()))
    others = [meter.others() for meter in meters]
    print(f"            of the machine's busy time not the cluster's: {max(others):.0%} at most"
          f"{'' if any(load_ns) else ' (without the client)'}", flush=True)


def against_lives(mode):
    def run(world, measure, name):
        pair, meters, said = Pair("L1"), [], []
        for _ in range(world.options.rounds):
            world.settle()
            ceiling = ceilings.life(world, 16, world.options.seconds)
            world.settle()
            with parts.Meter(world.nodes()) as meter:
                said.append(world.load(mode, 64))
            meters.append(meter)
            pair.add(ceiling, said[-1]["rate"])
        pair.show(name, measure.unit, measure.target)
        print(f"            latency p50 {spread([one['p50'] for one in said])} ms, "
              f"p99 {spread([one['p99'] for one in said])} ms")
        show_parts(meters, [one["total"] for one in said], [one["cpu_us"] * 1e3 for one in said],
                   [one["switches"] for one in said], "us a job", 1e-3)
    return run


def sync(world, measure, name):
    pair, tail = Pair("a life of L1, 1 client"), []
    for _ in range(world.options.rounds):
        world.settle()
        ceiling = 1000 / ceilings.life(world, 1, world.options.seconds)
        world.settle()
        said = world.load("query", 1)
        pair.add(ceiling, said["p50"])
        tail.append(said["p99"])
    pair.show(name, measure.unit, measure.target)
    print(f"            p99 {spread(tail)} ms")


def status(world, measure, name):
    job = submit(world, "SELECT 1")
    wait_final(world, job)
    pair = Pair("civetweb's constant")
    with ceilings.constant(world) as url:
        for _ in range(world.options.rounds):
            ceiling = world.load("get", 32, urls=[url])["rate"]
            said = world.load("get", 32, "-p", f"/api/v1/job/{job}", "-e", '"COMPLETED"')
            pair.add(ceiling, said["rate"])
    pair.show(name, measure.unit, measure.target)


def rows_in(world, measure, name):
    rows = world.options.rows
    pair, meters = Pair("L4"), []
    for _ in range(world.options.rounds):
        world.settle()
        ceiling = ceilings.copied_rows(world, rows)
        world.settle()
        with parts.Meter(world.nodes()) as meter:
            began = time.monotonic()
            wait_final(world, submit(world, ceilings.ROW_SQL.format(rows=rows)))
            ours = rows / (time.monotonic() - began)
        meters.append(meter)
        pair.add(ceiling, ours)
    pair.show(name, measure.unit, measure.target)
    nothing = [0] * len(meters)
    show_parts(meters, [rows] * len(meters), nothing, nothing, "ns a row", 1)


def memory(world, _measure, name):
    rows = world.options.rows
    watched = world.nodes("executor") + world.nodes("api")
    for node in watched:
        parts.forget_peak(node["pid"])
    peak = collections.defaultdict(float)
    look = watcher(watched, peak)
    look()
    before = dict(peak)
    job = submit(world, ceilings.ROW_SQL.format(rows=rows))
    wait_final(world, job, "0.2", look)
    during = dict(peak)
    read_all(world, job, rows, look)
    for node in watched:
        now = parts.memory_of(node["pid"])
        key = node["name"]
        print(f"{name:10}  {key}: RssAnon {before[key]:.1f} MiB before, {during[key]:.1f} with "
              f"{rows:,} rows in, {peak[key]:.1f} with them out, {now['RssAnon']:.1f} now; "
              f"resident {now['VmRSS']:.1f}, highest {now['VmHWM']:.1f}   target 48, goal 32",
              flush=True)


def watcher(watched, peak):
    def look():
        for node in watched:
            anonymous = parts.memory_of(node["pid"])["RssAnon"]
            peak[node["name"]] = max(peak[node["name"]], anonymous)
    return look


# One job at a time, as a plain client.

def call(world, method, path, body=None):
    where = urlsplit(world.info["url"])
    caller = http.client.HTTPConnection(where.hostname, where.port, timeout=90)
    try:
        caller.request(method, path, body, {"Authorization": "Bearer " + world.info["api_key"]})
        reply = caller.getresponse()
        text = reply.read().decode()
    finally:
        caller.close()
    if reply.status != 200:
        raise Unfit(f"{method} {path}: {reply.status} {text[:200]}")
    return text


def submit(world, sql):
    body = '{"sql": "' + sql.replace("\\", "\\\\").replace('"', '\\"') + '"}'
    return re.search(r'"id":"([^"]+)"', call(world, "POST", "/api/v1/job", body)).group(1)


def wait_final(world, job, wait="60", each=lambda: None):
    until = time.monotonic() + FINAL_S
    while time.monotonic() < until:
        text = call(world, "GET", f"/api/v1/job/{job}?wait={wait}")
        each()
        if '"jobState":"COMPLETED"' in text:
            return
        if '"jobState":"FAILED"' in text:
            raise Unfit(f"the job failed: {text}")
    raise Unfit(f"the job did not end within {FINAL_S} s")


def read_all(world, job, rows, each):
    """Every row, a page of the API at a time, over one connection."""
    where = urlsplit(world.info["url"])
    caller = http.client.HTTPConnection(where.hostname, where.port, timeout=90)
    key = {"Authorization": "Bearer " + world.info["api_key"]}
    began = time.monotonic()
    for offset in range(0, rows, 1000):
        caller.request("GET", f"/api/v1/job/{job}/results?offset={offset}&limit=1000", None, key)
        reply = caller.getresponse()
        text = reply.read()
        if reply.status != 200 or text.count(b'"word":') != min(1000, rows - offset):
            raise Unfit(f"results at {offset}: {reply.status}")
        if offset % 50000 == 0:
            each()
    caller.close()
    print(f"            read back by 1000 rows over one connection: "
          f"{rows / (time.monotonic() - began):,.0f} rows/s")


MEASURES = {
    "jobs": Measure(against_lives("jobs"), "jobs/s", "8,500 and 1.2 x"),
    "jobs.sync": Measure(against_lives("query"), "jobs/s", "1.4 x"),
    "jobs.poll": Measure(against_lives("poll"), "jobs/s", "1.0 x"),
    "sync": Measure(sync, "ms", "at most 2.2 x; p99 5 ms"),
    "status": Measure(status, "replies/s", "0.5 x"),
    "rows.in": Measure(rows_in, "rows/s", "1.0 x"),
    "memory": Measure(memory, "MiB", "48"),
}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*MEASURES, "all"], metavar="NAME",
                        help="one of %(choices)s")
    parser.add_argument("--quick", action="store_true", help="short runs of few rows")
    parser.add_argument("--rounds", type=int, default=3, help="ceiling and ours, so often")
    parser.add_argument("--seconds", type=int, help="of each timed run (5; quick: 2)")
    parser.add_argument("--warmup", type=int, default=1, help="seconds before them")
    parser.add_argument("--rows", type=int, help="of rows.in and memory (5,000,000; quick: 500,000)")
    parser.add_argument("--apis", type=int, default=1)
    parser.add_argument("--executors", type=int, default=1)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of the nodes, as for compose/up")
    parser.add_argument("--keep", action="store_true", help="leave the cluster running")
    given = parser.parse_args()
    given.seconds = given.seconds or (2 if given.quick else 5)
    given.rows = given.rows or (500_000 if given.quick else 5_000_000)
    if "all" in given.names:
        given.names = list(MEASURES)
    return given


def machine():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (f"{os.cpu_count()} x {model.group(1) if model else platform.machine()}, "
            f"{memory_gib:.0f} GiB, {platform.system()} {platform.release()}")


def main():
    options = arguments()
    print(f"{machine()}; {options.apis} api, {options.executors} executor of {options.slots} slots; "
          f"{options.rounds} rounds of {options.seconds} s; median (lowest..highest)", flush=True)
    failed = False
    with World(options) as world:
        for name in options.names:
            measure = MEASURES[name]
            try:
                measure.run(world, measure, name)
            except Unfit as why:
                print(f"{name:10}  no figure: {why}", flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
