"""How figures are gathered and shown: ours beside the ceiling, round by round."""
import collections
import os
import statistics

import parts

Measure = collections.namedtuple("Measure", "run unit target")
INDENT = " " * 17


class Unfit(Exception):
    """No figure can be given."""


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
        print(f"{name:16} ours {spread(self.ours)} {unit}   {self.what} {spread(self.ceiling)}   "
              f"ratio {spread(ratios)}   target {target}", flush=True)


def show(name, text, target):
    """A figure that has no ceiling."""
    print(f"{name:16} {text}   target {target}", flush=True)


def note(text):
    print(INDENT + text, flush=True)


def spread(values):
    def short(value):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return (f"{short(statistics.median(values))} "
            f"({short(min(values))}..{short(max(values))})")


def show_parts(meters, counts, clients, unit, scale):
    """CPU by part, and context switches, a job or a row: medians of the rounds. `clients`: what the
    client used in each round, a parts.Use; None where it does nothing while we measure."""
    shares = {part: [] for part in (*parts.PARTS, "sum")}
    switches = {part: [] for part in (*parts.PARTS, "sum")}
    for meter, count, client in zip(meters, counts, clients or [parts.Use(0, 0)] * len(meters)):
        uses = dict(meter.of, load=client)
        for part in parts.PARTS:
            shares[part].append(uses[part].cpu_ns / count * scale)
            switches[part].append(uses[part].switches / count)
        shares["sum"].append(sum(use.cpu_ns for use in uses.values()) / count * scale)
        switches["sum"].append(sum(use.switches for use in uses.values()) / count)
    note(f"CPU, {unit}: " + ", ".join(
        f"{part} {statistics.median(values):.0f}" for part, values in shares.items()))
    alone = (os.cpu_count() or 1) * 1e9 * scale / statistics.median(shares["sum"])
    note(f"with all of the {os.cpu_count()} cores that would be {alone:,.0f} a second")
    note("context switches: " + ", ".join(
        f"{part} {statistics.median(values):.4g}" for part, values in switches.items()))
    others = [meter.others() for meter in meters]
    note(f"of the machine's busy time not the cluster's: {max(others):.0%} at most"
         f"{'' if clients else ' (without the client)'}")
