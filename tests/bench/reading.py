"""Stored rows over HTTP: all of them in one reply, and some of them at once."""
import collections
import random

import ceilings
import parts
import samples
from calls import stats
from figures import Pair, Unfit, note, show, show_parts, spread
from rows import wide_rows

ASKED = 200
OFFSET_TIMES = 4  # the rows of `offset`, in --rows

# How a face is asked for, what is counted in it (so many a row), and its target.
Face = collections.namedtuple("Face", "name format accept count target")
FACES = (
    Face("ndjson", "ndjson", "identity", "\n", "3.0 x"),
    Face("csv", "csv", "identity", "\n", "3.0 x"),
    Face("json", "json", "identity", "{", "3.0 x"),
    Face("msgpack", "msgpack", "identity", None, "4 x"),
    Face("stored", "msgpack", "zstd", None, "6 x"),
)
WIDE_FACE = Face("wide", "ndjson", "identity", "\n", "2.0 x")


def path_of(job, **query):
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/api/v1/job/{job}/results?{words}"


def read_all(world, job, face):
    more = ["--accept", face.accept] + (["--count", face.count] if face.count else [])
    return world.drain([path_of(job, limit="all", format=face.format)], *more)


class Stored:
    """A job's rows, and what a reply with all of them must come to."""

    def __init__(self, world, query, rows):
        self.job = world.stored(query)
        self.rows = rows
        said = stats(world, self.job)
        self.sizes = {"msgpack": said["bytes_processed_data"], "stored": said["bytes"]}
        self.frame = {}

    def frame_of(self, world, face):
        """What is counted besides rows: a header line, brackets around the rows. One row tells."""
        if face.name not in self.frame:
            path = path_of(self.job, limit=1, format=face.format)
            said = world.drain([path], "--accept", face.accept, "--count", face.count)
            self.frame[face.name] = said["found"] - 1
        return self.frame[face.name]

    def check(self, world, face, said):
        if face.name in self.sizes and said["bytes"] != self.sizes[face.name]:
            raise Unfit(f"{face.name}: {said['bytes']} bytes instead of {self.sizes[face.name]}")
        if face.count and said["found"] != self.rows + self.frame_of(world, face):
            raise Unfit(f"{face.name}: {said['found']} of {face.count!r} for {self.rows} rows")


def against_copy(world, name, stored, face, table):
    pair, meters, readers = Pair("L5"), [], []
    for _ in range(world.options.rounds):
        ceiling = ceilings.copied_out(world, table, stored.rows)
        with parts.Meter(world.nodes()) as meter:
            said = read_all(world, stored.job, face)
        stored.check(world, face, said)
        meters.append(meter)
        readers.append(parts.client_use(said))
        pair.add(ceiling, stored.rows / said["seconds"])
    pair.show(name, "rows/s", face.target)
    show_parts(meters, [stored.rows] * len(meters), readers, "ns a row", 1)


def out(world, _measure, name):
    rows = world.options.rows
    query = samples.ROW_SQL.format(rows=rows)
    stored = Stored(world, query, rows)
    ceilings.keep_table(world, "read_rows", query, samples.ROW_COLUMNS)
    world.settle()
    for face in FACES:
        against_copy(world, f"{name}.{face.name}", stored, face, "read_rows")
    world.scratch("DROP TABLE read_rows;")


def wide_out(world, _measure, name):
    rows = wide_rows(world)
    query = samples.WIDE_SQL.format(rows=rows)
    stored = Stored(world, query, rows)
    ceilings.keep_table(world, "read_wide", query, samples.WIDE_COLUMNS)
    world.settle()
    against_copy(world, name, stored, WIDE_FACE, "read_wide")
    world.scratch("DROP TABLE read_wide;")


def offset(world, measure, name):
    """One page of the API anywhere costs what it costs at the beginning."""
    rows = world.options.rows * OFFSET_TIMES
    job = world.stored(samples.ROW_SQL.format(rows=rows))
    world.settle()
    pair, single = Pair(f"the first 1000 of {rows:,}"), []
    chance = random.Random(1)
    for _ in range(world.options.rounds):
        first = world.drain([path_of(job, offset=0, limit=1000)], "--times", ASKED)
        last = world.drain([path_of(job, offset=rows - 1000, limit=1000)], "--times", ASKED)
        paths = [path_of(job, offset=chance.randrange(rows), limit=1) for _ in range(ASKED)]
        single.append(world.drain(paths, "--times", ASKED)["p50"])
        pair.add(first["p50"], last["p50"])
    pair.show(name, measure.unit, measure.target)
    show(f"{name}.one", f"any one row: p50 {spread(single)} ms", "at most 0.6 ms")
    note(f"{ASKED} requests each, one connection")
