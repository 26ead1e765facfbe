"""Resident memory: what large results, many slots, slow readers and huge rows make of it."""
import argparse
import collections
import os

import parts
import samples
from calls import submit, wait_done, wait_over
from figures import Unfit, note, show
from reading import FACES, path_of
from world import World

TIMES = 4  # the rows of `memory`, in --rows
MOST = "at most 32 MiB"
SLOTS_AT_ONCE = 8
SLOW_READERS = 8
SLOW_RATE = 64 << 10
HUGE_SQL = "SELECT repeat('x', 1000000000)"
HUGE_SLOTS = 4


class Watch:
    """The peaks of some processes, from when it is made."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.private = collections.defaultdict(float)
        for node in nodes:
            parts.forget_peak(node["pid"])
        self.look()

    def look(self):
        for node in self.nodes:
            private = parts.memory_of(node["pid"])["RssAnon"]
            self.private[node["name"]] = max(self.private[node["name"]], private)

    def resident(self, node):
        return parts.memory_of(node["pid"])["VmHWM"]

    def said(self):
        return ", ".join(f"{node['name']} {self.resident(node):.1f} MiB resident at most "
                         f"(private {self.private[node['name']]:.1f})" for node in self.nodes)


def through(world, _measure, name):
    """One large result in, then out in each face."""
    rows = world.options.rows * TIMES
    nodes = world.nodes("executor") + world.nodes("api")
    query = samples.ROW_SQL.format(rows=rows)
    watch = Watch(nodes)
    job = submit(world, query)
    wait_done(world, job, "0.2", watch.look)
    world.keep(query, job)
    show(f"{name}.in", f"{rows:,} rows in: {watch.said()}", MOST)
    watch = Watch(nodes)
    for face in FACES:
        world.drain([path_of(job, limit="all", format=face.format)], "--accept", face.accept)
        watch.look()
    show(f"{name}.out", f"the same out, {len(FACES)} faces: {watch.said()}", MOST)


def slots(world, _measure, name):
    """How much more eight jobs at once take than one."""
    executors = world.nodes("executor")
    peaks = []
    for many in (1, SLOTS_AT_ONCE):
        watch = Watch(executors)
        text = samples.ROW_SQL.format(rows=world.options.rows // many)
        jobs = [submit(world, text) for _ in range(many)]
        for job in jobs:
            wait_done(world, job, "0.2", watch.look)
        peaks.append(sum(watch.resident(node) for node in executors))
    each = (peaks[1] - peaks[0]) / (SLOTS_AT_ONCE - 1)
    show(name, f"a further slot: {each:.2f} MiB ({peaks[0]:.1f} with one job, {peaks[1]:.1f} with "
               f"{SLOTS_AT_ONCE})", "at most 8 MiB")


def slow(world, _measure, name):
    """Readers that take a little at a time: nothing may pile up for them."""
    job = world.stored(samples.ROW_SQL.format(rows=world.options.rows))
    watch = Watch(world.nodes("api"))
    command = world.drain_command([path_of(job, limit="all", format="ndjson")], "--rate", SLOW_RATE,
                                  "--seconds", 2 if world.options.quick else 10)
    readers = [world.begin(command) for _ in range(SLOW_READERS)]
    said = [world.report(command, reader) for reader in readers]
    if any(one["error"] or one["whole"] for one in said):
        raise Unfit(f"the slow readers did not read as they should: {said}")
    show(name, f"{SLOW_READERS} readers of {SLOW_RATE >> 10} KiB/s: {watch.said()}",
         "bounded: 32 MiB, and 1 for each reader")
    note(f"they had read {sum(one['bytes'] for one in said):,} bytes")


def huge(world, _measure, name):
    """A row that fits nowhere, in all slots at once, on a cluster of its own: each job fails, and
    nothing else."""
    options = argparse.Namespace(**{**vars(world.options), "slots": HUGE_SLOTS, "executors": 1})
    with World(options) as other:
        executor, = other.nodes("executor")
        watch = Watch([executor])
        jobs = [submit(other, HUGE_SQL) for _ in range(HUGE_SLOTS)]
        ended = [wait_over(other, job, "0.2", watch.look) for job in jobs]
        if any(said["jobState"] != "FAILED" for said in ended):
            raise Unfit(f"a job with a huge row did not fail: {ended}")
        os.kill(executor["pid"], 0)
        wait_done(other, submit(other, "SELECT 1"))
        show(name, f"a row of 1 GB in each of {HUGE_SLOTS} slots: {watch.said()}",
             "each job fails, the process lives")
        note("; ".join(sorted({said["error"]["message"] for said in ended})))
