"""What can be done to one node: start, stop, kill, pause, resume, add. And who leads.

Every action holds the node's own lock from beginning to end, so that two calls for one node do not
mix, and the cluster's lock only for the moments in which it writes down what it did: calls for
different nodes run at the same time.
"""
import os
import signal
import time

import dsn
import programs
import proc
from cluster import ROLES, SERVERS, free_port, locked, port_is_free
from postgres import Server, psql
from say import Failure, Refused

DRAIN_S = 30
LEADER_S = 4


def conf_of(cluster, name):
    return cluster.path("conf", name + ".cfg")


def ready_file_of(cluster, name):
    return cluster.path("run", name + ".ready")


def find(cluster, name):
    node = cluster.read()["nodes"].get(name)
    if not node:
        raise Refused(f"there is no node {name}")
    return node


def lock_of(cluster, name):
    return locked(cluster.path("run", name + ".lock"))


def note(cluster, name, **changes):
    with cluster.change() as state:
        node = state["nodes"][name]
        node.update(changes)


def server_of(cluster, node):
    return Server(cluster, node["name"]) if node["role"] in SERVERS else None


def launch(cluster, state, node):
    """Start a node's process and write it down, under the cluster's lock: at no moment is there a
    process that nobody knows. The caller waits until it is ready."""
    server = server_of(cluster, node)
    node["launched_us"] = time.time_ns() // 1000
    if server:
        process = server.start()
    else:
        ready = ready_file_of(cluster, node["name"])
        if os.path.exists(ready):
            os.unlink(ready)
        process = proc.spawn([os.path.join(state["programs"], "millrace-" + node["role"]),
                              "--config", conf_of(cluster, node["name"])], node["log"],
                             cwd=cluster.folder)
    node.update(process=process, wanted="up")
    return process


def wait_ready(cluster, node, process):
    server = server_of(cluster, node)
    if server:
        server.wait_ready(process)
        return
    url = programs.wait_ready(node, process, ready_file_of(cluster, node["name"]))
    note(cluster, node["name"], health=url + "/healthz")


def require(node, *allowed):
    now = proc.state(node.get("process"))
    if now not in allowed:
        raise Refused(f"{node['name']} is {now}")
    return node["process"]


def start(cluster, name):
    with lock_of(cluster, name):
        require(find(cluster, name), "down")
        with cluster.change() as state:
            node = state["nodes"][name]
            process = launch(cluster, state, node)
        try:
            wait_ready(cluster, node, process)
        except Failure:
            end(cluster, node, process)
            raise
    if node["role"] in ("store", "broker"):
        wait_leader(cluster)


def end(cluster, node, process):
    """SIGKILL, or for a server all of its processes."""
    note(cluster, node["name"], wanted="down")
    server = server_of(cluster, node)
    left = server.kill(process) if server else proc.end([process], signal.SIGKILL, 10)
    if left:
        raise Failure(f"{node['name']} still runs after SIGKILL: pid {left[0]['pid']}")


def kill(cluster, name):
    with lock_of(cluster, name):
        node = find(cluster, name)
        end(cluster, node, require(node, "up", "paused"))


def stop(cluster, name):
    with lock_of(cluster, name):
        node = find(cluster, name)
        process = require(node, "up", "paused")
        note(cluster, name, wanted="down")
        server = server_of(cluster, node)
        left = server.stop(process) if server else proc.end([process], signal.SIGTERM, DRAIN_S)
        if left:
            raise Failure(f"{name} has not ended {DRAIN_S} s after SIGTERM; it drains still",
                          node["log"])


def pause(cluster, name):
    with lock_of(cluster, name):
        node = find(cluster, name)
        process = require(node, "up")
        server = server_of(cluster, node)
        if server:
            server.pause(process)
        else:
            proc.send(process, signal.SIGSTOP)
        proc.wait_stopped(process)


def resume(cluster, name):
    with lock_of(cluster, name):
        node = find(cluster, name)
        process = require(node, "paused")
        server = server_of(cluster, node)
        if server:
            server.resume(process)
            psql(server_parts(cluster, cluster.read(), name), "SELECT 1;", seconds=15,
                 log=node["log"])
        else:
            proc.send(process, signal.SIGCONT)
            programs.wait_ready(node, process, None)
    if node["role"] in ("store", "broker"):
        wait_leader(cluster)


def add(cluster, role):
    """A node more of a role, started. Returns its name."""
    if role not in ROLES:
        raise Refused(f"a node of role {role} cannot be added; roles are {', '.join(ROLES)}")
    with cluster.change() as state:
        number = 1 + max([int(name[len(role):]) for name, node in state["nodes"].items()
                          if node["role"] == role], default=0)
        name = f"{role}{number}"
        prepare(cluster, state, name, role)
    start(cluster, name)
    return name


def prepare(cluster, state, name, role, port=None):
    """Enter a node of a program into the state and write its settings."""
    values = {"name": name, "store": state["store_for_nodes"],
              "ready_file": ready_file_of(cluster, name)}
    node = {"name": name, "role": role, "log": cluster.log(name), "process": None,
            "wanted": "down", "health": None}
    if role == "api":
        port = port or state["ports"].get(name)
        if not port or not port_is_free(port):
            port = free_port(set(state["ports"].values()))
        state["ports"][name] = port
        node["url"] = f"http://127.0.0.1:{port}"
        node["health"] = node["url"] + "/healthz"
        values.update(http_host="127.0.0.1", http_port=port)
    if role == "executor":
        values["seal_key_file"] = cluster.path("seal.key")
    values.update(state["settings"][role])
    programs.write_conf(conf_of(cluster, name), values)
    state["nodes"][name] = node


def server_parts(cluster, state, name, dbname="postgres"):
    """How compose itself talks to a private server: as its superuser, through its socket."""
    return {"host": cluster.sockets, "port": state["ports"][name], "user": "postgres",
            "password": state["passwords"][name], "dbname": dbname, "connect_timeout": 5}


def find_leader(cluster, state):
    """The name of the broker that leads, or None: the leader row is beaten, and its owner is the
    process that runs now under this name (a row's owner is name/microseconds of its start)."""
    if not state.get("store_given"):
        if proc.state(state["nodes"]["store"].get("process")) != "up":
            return None
    try:
        said = psql(dict(dsn.parse(state["store_for_nodes"]), connect_timeout=2),
                    "SELECT owner, extract(epoch FROM now() - beat_at) FROM leader;", seconds=5)
    except Failure:
        return None
    owner, _, age = said.strip().partition("|")
    name, _, incarnation = owner.rpartition("/")
    node = state["nodes"].get(name)
    if not node or proc.state(node.get("process")) != "up":
        return None
    takeover_s = int(state["settings"]["broker"].get("takeover_ms", 2000)) / 1000
    if float(age) > takeover_s or int(incarnation) < node["launched_us"]:
        return None
    return name


def wait_leader(cluster):
    """After a store or a broker came back: until somebody leads, within reason."""
    deadline = time.monotonic() + LEADER_S
    while time.monotonic() < deadline and not find_leader(cluster, cluster.read()):
        time.sleep(0.05)


def refresh(cluster):
    """Make cluster.json true: processes and leader. Returns the state."""
    with cluster.change() as state:
        state["leader"] = find_leader(cluster, state)
    return state
