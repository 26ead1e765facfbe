"""A cluster's folder: where things are, what is remembered (state.json), what is told (cluster.json).

state.json is compose's memory: passwords, ports, keys, each node's process. cluster.json is what
others read; it is made from state.json whenever that is written. Both are mode 0600, replaced by
rename, and only written under the lock.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import random
import secrets
import shutil
import socket

import dsn
import proc
from say import Failure

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SERVERS = ("store", "source")
ROLES = ("broker", "executor", "api")
OURS = ("state.json", "cluster.json", "lock", "up.lock", "seal.key", "conf", "logs", "run", "store",
        "source", "build")


class Cluster:
    def __init__(self, folder):
        self.folder = os.path.realpath(folder)
        self.hex = hashlib.sha256(self.folder.encode()).hexdigest()[:8]
        self.sockets = f"/tmp/millrace-{self.hex}"
        self.rooted = os.geteuid() == 0
        self.data = f"/var/lib/postgresql/millrace-{self.hex}" if self.rooted else self.folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def log(self, name):
        return self.path("logs", name + ".log")

    def exists(self):
        return os.path.exists(self.path("state.json"))

    def make_folders(self):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for name in ("conf", "logs", "run"):
            os.makedirs(self.path(name), mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def lock(self):
        with locked(self.path("lock")):
            yield

    def read(self):
        try:
            with open(self.path("state.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            raise Failure(f"there is no cluster in {self.folder}") from None
        except PermissionError:
            raise Failure(f"the cluster in {self.folder} belongs to another user") from None

    def write(self, state):
        """Only under the lock."""
        replace(self.path("state.json"), state)
        if state.get("published"):
            replace(self.path("cluster.json"), view(self, state))

    @contextlib.contextmanager
    def change(self):
        """`with cluster.change() as state:` - read, change, write, as one."""
        with self.lock():
            state = self.read()
            yield state
            self.write(state)

    def purge(self):
        for name in OURS:
            remove(self.path(name))
        remove(self.sockets)
        if self.data != self.folder:
            remove(self.data)
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)


@contextlib.contextmanager
def locked(path, wait=True):
    """Hold a lock file. With wait=False, a Failure when somebody else does."""
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        raise Failure(f"there is no cluster in {os.path.dirname(path)}") from None
    except PermissionError:
        raise Failure(f"{os.path.dirname(path)} belongs to another user") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(file)
        raise Failure(f"{path} is held by another process") from None
    try:
        yield
    finally:
        os.close(file)


def replace(path, value):
    """Write JSON beside `path` and rename it over."""
    put(path, json.dumps(value, indent=2) + "\n")


def put(path, text):
    fresh = f"{path}.{os.getpid()}.new"
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w",
              encoding="utf-8") as file:
        file.write(text)
    os.rename(fresh, path)


def remove(path):
    """Remove a file or a folder, also when somebody else does so at the same time."""
    def failed(_call, _path, info):
        if not isinstance(info[1], FileNotFoundError):
            raise info[1]
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, onerror=failed)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def new_state():
    return {
        "version": 1,
        "phase": "down",
        "up": None,
        "published": False,
        "passwords": {name: secrets.token_hex(16) for name in ("store", "source", "millrace")},
        "ports": {},
        "made": {},
        "tenants": [],
        "nodes": {},
        "leader": None,
    }


def free_port(taken):
    """A free port outside of the range that outgoing connections use: a server that is down for a
    while would else find its port taken by one of them when it comes back."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        low, high = (int(word) for word in file.read().split())
    choice = range(10000, low) if low > 12000 else range(high + 1, 65536)
    if len(choice) < 1000:
        choice = range(10000, 65536)
    for _ in range(500):
        port = random.choice(choice)
        if port not in taken and port_is_free(port):
            return port
    raise Failure("no free TCP port was found on 127.0.0.1")


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def node_view(node):
    """A node's line in cluster.json."""
    state = proc.state(node.get("process"))
    line = {
        "name": node["name"],
        "role": node["role"],
        "state": state,
        "pid": node["process"]["pid"] if state != "down" else None,
        "log": node["log"],
        "health": node.get("health"),
    }
    if node.get("url"):
        line["url"] = node["url"]
    return line


def source_role(tenant):
    """The role on the demo source that is this tenant's login, and the name of its schema."""
    name = "tenant_" + tenant
    if len(name) <= 63:
        return name
    return f"{name[:54]}_{hashlib.sha256(tenant.encode()).hexdigest()[:8]}"


def view(cluster, state):
    """What cluster.json says."""
    urls = [node["url"] for node in state["nodes"].values() if node["role"] == "api"]
    demo = state["tenants"][0]
    local = "127.0.0.1"
    passwords, ports = state["passwords"], state["ports"]
    store = admin = state.get("store_given")
    if not store:
        store = dsn.uri("millrace", passwords["millrace"], local, ports["store"], "millrace")
        admin = dsn.uri("postgres", passwords["store"], local, ports["store"], "millrace")
    return {
        "url": urls[0] if urls else None,
        "urls": urls,
        "tenant": demo["name"],
        "key_id": demo["key_id"],
        "key_secret": demo["key_secret"],
        "api_key": demo["api_key"],
        "source": "demo",
        "store_dsn": store,
        "store_admin_dsn": admin,
        "source_dsn": dsn.uri(source_role(demo["name"]), demo["password"], local, ports["source"],
                              "demo"),
        "source_admin_dsn": dsn.uri("postgres", passwords["source"], local, ports["source"],
                                    "demo"),
        "tenants": [{key: tenant[key] for key in ("name", "api_key", "key_id", "key_secret")}
                    for tenant in state["tenants"]],
        "leader": state["leader"],
        "nodes": [node_view(node) for node in state["nodes"].values()],
    }
