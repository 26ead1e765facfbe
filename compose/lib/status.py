"""compose/status: make cluster.json true and print the nodes."""
import argparse
import sys

import nodes
from cluster import Cluster, node_view
from say import Failure, failure, line


def main():
    parser = argparse.ArgumentParser(prog="compose/status", description=__doc__, allow_abbrev=False)
    parser.add_argument("--dir", default="./.millrace", help="the cluster's folder (%(default)s)")
    cluster = Cluster(parser.parse_args().dir)
    try:
        show(cluster, nodes.refresh(cluster))
    except (Failure, OSError) as failed:
        failure("compose/status", failed if isinstance(failed, Failure) else Failure(str(failed)))
        return 1
    return 0


def show(cluster, state):
    rows = [("NAME", "ROLE", "STATE", "PID", "HEALTH", "LOG")]
    for node in map(node_view, state["nodes"].values()):
        leads = " (leads)" if node["name"] == state["leader"] else ""
        rows.append((node["name"], node["role"] + leads, node["state"], str(node["pid"] or "-"),
                     node["health"] or "-", node["log"]))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    line(f"cluster in {cluster.folder}: {state['phase']}")
    for row in rows:
        line("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
