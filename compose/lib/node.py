"""compose/node: act on one node of a running cluster; prints its line of cluster.json."""
import argparse
import json
import sys

import nodes
from cluster import Cluster, node_view
from say import Failure, Refused, failure, line

ACTIONS = {"start": nodes.start, "stop": nodes.stop, "kill": nodes.kill, "pause": nodes.pause,
           "resume": nodes.resume, "add": nodes.add}


def main():
    parser = argparse.ArgumentParser(prog="compose/node", description=__doc__, allow_abbrev=False)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("name", metavar="NAME", help="a node's name; for add, a role")
    parser.add_argument("--dir", default="./.millrace", help="the cluster's folder (%(default)s)")
    options = parser.parse_args()
    cluster = Cluster(options.dir)
    try:
        act(cluster, options.action, options.name)
    except (Failure, OSError) as failed:
        failure("compose/node", failed if isinstance(failed, Failure) else Failure(str(failed)))
        return 1
    return 0


def act(cluster, action, name):
    if cluster.read()["phase"] != "up":
        raise Refused(f"the cluster in {cluster.folder} does not run")
    try:
        name = ACTIONS[action](cluster, name) or name
    except Refused:
        raise
    except Failure:
        nodes.refresh(cluster)
        raise
    state = nodes.refresh(cluster)
    line(json.dumps(node_view(state["nodes"][name])))


if __name__ == "__main__":
    sys.exit(main())
