"""tests/bench/run: each measure with its ceiling, in turns, from the same run."""
import argparse
import os
import platform
import re
import sys

import lives
import memory
import reading
import rows
from figures import Measure, Unfit
from world import World

MEASURES = {
    "jobs": Measure(lives.against_lives("jobs"), "jobs/s", "8,500 and 1.2 x"),
    "jobs.sync": Measure(lives.against_lives("query"), "jobs/s", "1.4 x"),
    "jobs.poll": Measure(lives.against_lives("poll"), "jobs/s", "1.0 x"),
    "sync": Measure(lives.sync, "ms", "at most 2.2 x; p99 5 ms"),
    "status": Measure(lives.status, "replies/s", "0.5 x"),
    "rows.in": Measure(rows.computed, "rows/s", "1.0 x"),
    "rows.in.table": Measure(rows.from_table, "rows/s", "1.5 x"),
    "rows.in.four": Measure(rows.four, "rows/s", "1.25 x"),
    "rows.wide": Measure(rows.wide, "rows/s", "1.2 x"),
    "rows.blobs": Measure(rows.blobs, "rows/s", "1.2 x"),
    "bytes": Measure(rows.size, "bytes a row", "at most 0.33"),
    "rows.out": Measure(reading.out, "rows/s", ""),
    "rows.wide.out": Measure(reading.wide_out, "rows/s", ""),
    "offset": Measure(reading.offset, "ms", "at most 1.5 x"),
    "memory": Measure(memory.through, "MiB", ""),
    "memory.slots": Measure(memory.slots, "MiB", ""),
    "memory.slow": Measure(memory.slow, "MiB", ""),
    "memory.huge": Measure(memory.huge, "MiB", ""),
}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME",
                        help="one of " + ", ".join([*MEASURES, "all"]) + "; rows.* is all that "
                        "begin so")
    parser.add_argument("--quick", action="store_true", help="short runs of few rows")
    parser.add_argument("--rounds", type=int, default=3, help="ceiling and ours, so often")
    parser.add_argument("--seconds", type=int, help="of each timed run (5; quick: 2)")
    parser.add_argument("--warmup", type=int, default=1, help="seconds before them")
    parser.add_argument("--rows", type=int, help="what rows are counted in (5,000,000; quick: 500,000)")
    parser.add_argument("--apis", type=int, default=1)
    parser.add_argument("--executors", type=int, default=1)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of the nodes, as for compose/up")
    parser.add_argument("--keep", action="store_true", help="leave the cluster running")
    given = parser.parse_args()
    given.seconds = given.seconds or (2 if given.quick else 5)
    given.rows = given.rows or (500_000 if given.quick else 5_000_000)
    given.names = [name for word in given.names for name in meant(parser, word)]
    return given


def meant(parser, word):
    """The measures that a word on the command line stands for."""
    if word == "all":
        return list(MEASURES)
    found = [name for name in MEASURES if name == word
             or (word.endswith("*") and name.startswith(word[:-1]))]
    if not found:
        parser.error(f"{word}: no such measure; there are {', '.join(MEASURES)}")
    return found


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
                print(f"{name:16} no figure: {why}", flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
