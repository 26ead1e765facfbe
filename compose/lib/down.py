"""compose/down: stop a cluster; with --purge also remove its data."""
import argparse
import os
import signal
import sys

import proc
from cluster import Cluster
from postgres import Server
from say import Failure, failure, line
from stopping import stop_all

UP_ENDS_S = 150


def main():
    parser = argparse.ArgumentParser(prog="compose/down", description=__doc__, allow_abbrev=False)
    parser.add_argument("--dir", default="./.millrace", help="the cluster's folder (%(default)s)")
    parser.add_argument("--purge", action="store_true", help="remove the cluster's data too")
    options = parser.parse_args()
    cluster = Cluster(options.dir)
    try:
        return down(cluster, options.purge)
    except Failure as failed:
        failure("compose/down", failed)
    except OSError as error:
        failure("compose/down", Failure(str(error)))
    return 1


def down(cluster, purge):
    if cluster.exists():
        end_up(cluster)
        stop_all(cluster, line)
    elif not purge:
        raise Failure(f"there is no cluster in {cluster.folder}")
    if not purge:
        line("stopped")
        return 0
    end_strays(cluster)
    cluster.purge()
    line("stopped and removed")
    return 0


def end_up(cluster):
    """An `up` that is at work or waits in the foreground stops what it started and ends."""
    process = cluster.read().get("up")
    if proc.state(process) == "down":
        return
    if proc.end([process], signal.SIGTERM, UP_ENDS_S):
        raise Failure(f"compose/up (pid {process['pid']}) did not end")


def end_strays(cluster):
    """Servers of a cluster whose state.json is gone."""
    for name in ("store", "source"):
        server = Server(cluster, name)
        for pid in proc.by_data_folder(server.data):
            server.stop(proc.record(pid))


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
