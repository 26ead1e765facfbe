"""The end of a cluster: API nodes first, then executors, brokers, and the servers last."""
import signal

import proc
from cluster import SERVERS
from nodes import DRAIN_S
from postgres import Server
from say import together

ORDER = ("api", "executor", "broker")


def stop_all(cluster, say):
    """Stop every process of the cluster and write that down. What does not end in its time is
    killed, and said."""
    with cluster.change() as state:
        state["phase"] = "stopping"
        for node in state["nodes"].values():
            node["wanted"] = "down"
    for role in ORDER:
        found = {node["name"]: node["process"] for node in state["nodes"].values()
                 if node["role"] == role and proc.state(node.get("process")) != "down"}
        left = proc.end(list(found.values()), signal.SIGTERM, DRAIN_S)
        for name, process in found.items():
            if process in left:
                say(f"{name} has not ended {DRAIN_S} s after SIGTERM and is killed")
        proc.end(left, signal.SIGKILL, 10)
    stop_servers(cluster, state)
    with cluster.change() as state:
        state["phase"] = "down"
        state["up"] = None
        state["leader"] = None
        for node in state["nodes"].values():
            node["process"] = None


def stop_servers(cluster, state):
    together([(Server(cluster, name).stop, state["nodes"].get(name, {}).get("process"))
              for name in SERVERS])
