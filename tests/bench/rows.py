"""Rows of a source into stored pages: how fast, and how small."""
import statistics
import time

import ceilings
import parts
import samples
from calls import run_all, stats
from figures import Pair, note, show, show_parts, spread

FOUR = 4


def against_pipes(world, measure, name, what, load):
    """`load`: the queries that run at once, how many rows they have together, and their columns."""
    queries, rows, columns = load
    pair, cost, meters = Pair(what), Pair(what), []
    for _ in range(world.options.rounds):
        world.settle()
        with parts.Meter(world.nodes()) as theirs, parts.Children() as tools:
            ceiling = ceilings.copied_in(world, queries, rows, columns)
        world.settle()
        with parts.Meter(world.nodes()) as meter:
            began = time.monotonic()
            run_all(world, queries)
            ours = rows / (time.monotonic() - began)
        meters.append(meter)
        pair.add(ceiling, ours)
        cost.add((theirs.sum_ns() + tools.cpu_ns) / rows, meter.sum_ns() / rows)
    pair.show(name, measure.unit, measure.target)
    saved = statistics.median(theirs / ours for ours, theirs in zip(cost.ours, cost.ceiling))
    note(f"CPU in all, ns a row: ours {spread(cost.ours)}, {what} {spread(cost.ceiling)}: "
         f"{saved:.2f} x with all cores busy")
    show_parts(meters, [rows] * len(meters), None, "ns a row", 1)


def computed(world, measure, name):
    rows = world.options.rows
    load = ([samples.ROW_SQL.format(rows=rows)], rows, samples.ROW_COLUMNS)
    against_pipes(world, measure, name, "L4", load)


def from_table(world, measure, name):
    rows = world.options.rows
    world.source(f"DROP TABLE IF EXISTS public.bench_rows; CREATE TABLE public.bench_rows AS "
                 f"{samples.ROW_SQL.format(rows=rows)}; GRANT SELECT ON public.bench_rows TO PUBLIC;")
    world.source("VACUUM (ANALYZE) public.bench_rows;")
    load = (["SELECT * FROM public.bench_rows"], rows, samples.ROW_COLUMNS)
    against_pipes(world, measure, name, "L4 of the table", load)
    world.source("DROP TABLE public.bench_rows;")


def four(world, measure, name):
    each = world.options.rows // FOUR
    load = ([samples.ROW_SQL.format(rows=each)] * FOUR, each * FOUR, samples.ROW_COLUMNS)
    against_pipes(world, measure, name, "four L4 at once", load)


def wide_rows(world):
    """Make the table of wide rows; how many it has."""
    rows = world.options.rows // 10
    world.source("DROP TABLE IF EXISTS public.bench_wide;" + samples.WIDE_TABLE.format(rows=rows))
    world.source("VACUUM (ANALYZE) public.bench_wide;")
    return rows


def wide(world, measure, name):
    rows = wide_rows(world)
    load = ([samples.WIDE_SQL.format(rows=rows)], rows, samples.WIDE_COLUMNS)
    against_pipes(world, measure, name, "L4 of it", load)


def blobs(world, measure, name):
    world.source("DROP TABLE IF EXISTS public.bench_blobs;" + samples.BLOB_TABLE)
    rows = max(world.options.rows // 100 // samples.BLOBS, 1) * samples.BLOBS
    load = ([samples.BLOB_SQL.format(rows=rows)], rows, samples.BLOB_COLUMNS)
    against_pipes(world, measure, name, "L4 of it", load)
    world.source("DROP TABLE public.bench_blobs;")


def size(world, measure, name):
    rows = world.options.rows
    query = samples.ROW_SQL.format(rows=rows)
    text = ceilings.copied_bytes(world, query) / rows
    stored = stats(world, world.stored(query))["bytes"] / rows
    show(name, f"{stored:.2f} {measure.unit} stored, {text:.2f} as COPY text: ratio "
               f"{stored / text:.3f}", measure.target)
