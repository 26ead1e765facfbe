"""compose/up: a cluster of real processes on this machine, from packages to the first job's rows."""
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to stop

import argparse
import contextlib
import os
import re
import select
import subprocess
import sys
import time

import catalogue
import dsn
import firstjob
import nodes
import programs
import proc
import setup
from cluster import SERVERS, Cluster, free_port, locked, new_state, port_is_free
from postgres import Server
from say import Failure, Stop, Work, failure, line, step, tail, together
from stopping import stop_all

# apt is not killed in the middle of a package.
APT_ENDS_S = 300

SOURCE_NAME = r"[A-Za-z0-9_.-]{1,63}"


def arguments():
    parser = argparse.ArgumentParser(prog="compose/up", description=__doc__, allow_abbrev=False)
    few = range(1, 65)
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--dir", default="./.millrace", help="the cluster's folder (%(default)s)")
    parser.add_argument("--port", default=8080, help="first API port; 0: any (%(default)s)",
                        **number)
    parser.add_argument("--apis", default=2, help="API nodes (%(default)s)", **number)
    parser.add_argument("--brokers", default=1, help="brokers (%(default)s)", **number)
    parser.add_argument("--executors", default=2, help="executors (%(default)s)", **number)
    parser.add_argument("--slots", help="slots of each executor", **number)
    parser.add_argument("--tenant", action="append", default=[], metavar="NAME",
                        help="a tenant besides demo (repeatable)")
    parser.add_argument("--store", metavar="DSN", help="use this store, make none")
    parser.add_argument("--source", action="append", default=[], metavar="NAME=DSN",
                        help="one more data source; user and password of the DSN become the "
                             "login of tenant demo (repeatable)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of any node; each program takes those that are its own "
                             "(repeatable)")
    parser.add_argument("--no-demo", action="store_true", help="no sample data, no first job")
    parser.add_argument("--detach", action="store_true", help="return when every node is ready")
    given = parser.parse_args()
    for key in ("apis", "brokers", "executors"):
        if getattr(given, key) not in few:
            parser.error(f"--{key} must be from 1 to {few[-1]}")
    if given.port not in range(0, 65536):
        parser.error("--port must be from 0 to 65535")
    for tenant in given.tenant:
        if not re.fullmatch(r"[a-z0-9-]{1,63}", tenant):
            parser.error(f"--tenant {tenant}: a name is 1 to 63 of a-z, 0-9 and -")
    for key in ("source", "set"):
        for pair in getattr(given, key):
            if not re.match(SOURCE_NAME + "=" if key == "source" else r"\w+=", pair):
                parser.error(f"--{key} {pair.partition('=')[0]}: must be NAME=VALUE")
    return given


class Up:
    def __init__(self, options):
        self.options = options
        self.cluster = Cluster(options.dir)
        self.state = None
        self.demo_data = None
        self.began = False  # something may run that a failure must stop
        self.published = False

    # The steps, in order.

    def run(self):
        self.packages()
        self.open()
        state = self.state
        if not self.options.no_demo and "rows" not in state["made"]:
            self.demo_data = Work(catalogue.read, self.cluster)
        self.build()
        self.check_settings()
        self.plan()
        self.servers()
        self.fill()
        loading = None
        if self.demo_data:
            loading = Work(catalogue.load, self.cluster, state, self.demo_data)
        self.start_nodes()
        self.sample_data(loading)
        self.publish()
        self.first_job()

    def packages(self):
        install = os.path.join(os.path.dirname(os.path.abspath(__file__)), "install.sh")
        with step("packages") as note:
            missing = subprocess.run([install, "--list", "@cluster"], capture_output=True, text=True,
                                     check=False).stdout.split()
            note(f"installed: {' '.join(missing)}" if missing else "all there")
            if not missing:
                return
            self.cluster.make_folders()
            log = self.cluster.log("packages")
            with open(log, "ab") as out:
                done = proc.run([install, "@cluster"], stdout=out, stderr=out,
                                patience=APT_ENDS_S)
            if done.returncode != 0:
                raise Failure(f"packages could not be installed: {' '.join(missing)}", log)

    def open(self):
        """The cluster's memory: found, or made new."""
        self.cluster.make_folders()
        with self.cluster.lock():
            if self.cluster.exists():
                state = self.cluster.read()
                for node in state["nodes"].values():
                    if proc.state(node.get("process")) != "down":
                        raise Failure(f"the cluster in {self.cluster.folder} runs already "
                                      f"({node['name']}, pid {node['process']['pid']})")
            else:
                state = new_state()
                for name in SERVERS:
                    if os.path.exists(Server(self.cluster, name).data):
                        raise Failure(f"{self.cluster.data} holds data of an earlier cluster whose "
                                      f"state.json is gone; compose/down --purge --dir "
                                      f"{self.cluster.folder} removes it")
            setup.enter_tenants(state, ["demo", *self.options.tenant])
            state["phase"] = "starting"
            state["up"] = proc.record(os.getpid())
            state["nodes"] = {}
            state["leader"] = None
            self.state = state
            self.cluster.write(state)
        self.began = True

    def save(self):
        with self.cluster.lock():
            self.cluster.write(self.state)

    def build(self):
        with step("build"):
            self.state["programs"] = programs.build(self.cluster)

    def check_settings(self):
        """Each --set to the programs that know it; one that none knows is an error."""
        folder = self.state["programs"]
        known = {role: programs.settings(folder, role) for role in ("api", "broker", "executor")}
        wanted = {role: {} for role in known}
        pairs = [pair.split("=", 1) for pair in self.options.set]
        if self.options.slots is not None:
            pairs.append(["slots", str(self.options.slots)])
        for key, value in pairs:
            if key == "ledger":
                if value not in ("on", "off"):
                    raise Failure(f"--set ledger={value}: must be on or off")
                self.state["ledger"] = value == "on"
                continue
            if key in programs.RESERVED:
                raise Failure(f"--set {key}: compose gives each node its own")
            takers = [role for role in known if key in known[role]]
            if not takers:
                raise Failure(f"--set {key}: no program has a setting of this name")
            for role in takers:
                wanted[role][key] = value
        self.state["settings"] = wanted
        slots = wanted["executor"].get("slots") or known["executor"].get("slots") or 16
        try:
            self.slots = int(slots)
        except ValueError:
            raise Failure(f"--set slots={slots}: must be a whole number") from None

    def plan(self):
        """Ports, and the nodes there will be."""
        state, options = self.state, self.options
        state["store_given"] = options.store
        self.sources = {}
        for pair in options.source:
            name, text = pair.split("=", 1)
            parts = dsn.parse(text)
            if name == "demo":
                raise Failure("--source demo: this name is the private source's")
            if "user" not in parts:
                raise Failure(f"--source {name}: its DSN must carry a user")
            self.sources[name] = parts
        self.local = [name for name in SERVERS if not (name == "store" and options.store)]
        for name in SERVERS:
            port = state["ports"].get(name)
            if not port or not port_is_free(port):
                state["ports"][name] = free_port(set(state["ports"].values()))
        for name in self.local:
            state["nodes"][name] = {"name": name, "role": name, "log": self.cluster.log(name),
                                    "process": None, "wanted": "down", "health": None}
        parts = {"host": self.cluster.sockets, "port": state["ports"]["store"], "user": "millrace",
                 "password": state["passwords"]["millrace"], "dbname": "millrace"}
        state["store_for_nodes"] = options.store or dsn.keywords(parts)
        first = options.port or None
        if first and not port_is_free(first):
            raise Failure(f"port {first} is taken; choose another with --port, or --port 0")
        if first:
            state["ports"]["api1"] = state["made"]["api1_port"] = first
        elif state["ports"].get("api1") == state["made"].pop("api1_port", None):
            state["ports"].pop("api1", None)  # it was given, not chosen
        for role, count in (("broker", options.brokers), ("executor", options.executors),
                            ("api", options.apis)):
            for number in range(1, count + 1):
                name = f"{role}{number}"
                nodes.prepare(self.cluster, state, name, role, first if name == "api1" else None)
        self.save()

    def servers(self):
        options = self.options
        connections = (2 * options.executors * (self.slots + 4) + 16 * options.apis
                       + 6 * options.brokers + 30)
        servers = [Server(self.cluster, name) for name in self.local]
        with step("PostgreSQL: " + " and ".join(self.local)) as note:
            together([(server.make, self.state["passwords"][server.name]) for server in servers])
            for server in servers:
                server.configure(self.state["ports"][server.name], connections)
            self.launch(self.local)
            note(", ".join(f"{name} on port {self.state['ports'][name]}" for name in self.local)
                 + f", max_connections {connections}")

    def launch(self, names):
        """Start nodes and wait until all are ready."""
        with Signals.later(), self.cluster.lock():
            for name in names:
                nodes.launch(self.cluster, self.state, self.state["nodes"][name])
            self.cluster.write(self.state)
        together([(self.wait_ready, self.state["nodes"][name]) for name in names])

    def wait_ready(self, node):
        server = nodes.server_of(self.cluster, node)
        if server:
            server.wait_ready(node["process"])
            return
        url = programs.wait_ready(node, node["process"],
                                  nodes.ready_file_of(self.cluster, node["name"]))
        node["health"] = url + "/healthz"

    def fill(self):
        """Databases, roles, schema, tenants, keys, sources, logins."""
        state = self.state
        with step("tenants, keys and data sources") as note:
            calls = [(setup.source_database, self.cluster, state)]
            if not state["store_given"]:
                calls.append((setup.store_database, self.cluster, state))
            together(calls)
            setup.registers(self.cluster, state, self.sources)
            self.save()
            note("tenants " + ", ".join(tenant["name"] for tenant in state["tenants"]))

    def start_nodes(self):
        names = [name for name, node in self.state["nodes"].items() if node["role"] not in SERVERS]
        with step(f"{len(names)} nodes"):
            self.launch(names)

    def sample_data(self, loading):
        if self.options.no_demo:
            return
        with step("sample data: Debian's packages") as note:
            if loading:
                self.state["made"]["rows"] = loading.result()
            note(f"{self.state['made']['rows']} rows in catalogue.packages")

    def publish(self):
        state = self.state
        state["published"] = True
        state["phase"] = "up"
        with self.cluster.lock():
            state["leader"] = nodes.find_leader(self.cluster, state)
            self.cluster.write(state)
        self.published = True

    def first_job(self):
        url = self.state["nodes"]["api1"]["url"]
        key = self.state["tenants"][0]["api_key"]
        if self.options.no_demo:
            line()
            firstjob.hints(url, key, None)
            return
        with step("first job"):
            job, results = firstjob.run(url, key)
        firstjob.show(url, key, job, results)

    # Afterwards.

    def leave(self):
        """--detach: the nodes stay."""
        with self.cluster.change() as state:
            state["up"] = None

    def watch(self):
        """Wait for a signal, or for the cluster's end by compose/down; tell of nodes that died."""
        line()
        line(f"The cluster is in {self.cluster.folder}. Ctrl-C stops everything.")
        told = set()
        while True:
            try:
                state = self.cluster.read()
            except Failure:
                return
            if state["phase"] == "down":
                return
            running = []
            for node in state["nodes"].values():
                process = node.get("process")
                if proc.state(process) != "down":
                    running.append(process)
                elif process and node["wanted"] == "up" and process["born"] not in told:
                    told.add(process["born"])
                    self.tell(node)
            wait_any(running, 500)
            proc.collect()

    def tell(self, node):
        line(f"{time.strftime('%H:%M:%S')} {node['name']} ended; the last lines of {node['log']}:")
        for one in tail(node["log"], 10):
            line(f"  | {one}")
        with contextlib.suppress(Failure):
            nodes.refresh(self.cluster)


def wait_any(records, milliseconds):
    """Until one of them ends, or the time is over."""
    poller, watches = select.poll(), []
    try:
        for one in records:
            with contextlib.suppress(OSError):
                watches.append(os.pidfd_open(one["pid"]))
                poller.register(watches[-1], select.POLLIN)
        poller.poll(milliseconds)
    finally:
        for watch in watches:
            os.close(watch)


class Signals:
    """SIGINT, SIGTERM and SIGHUP as Stop in the main thread; between `hold` and `release`, later."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    held = 0
    came = False

    @classmethod
    def watch(cls):
        for number in cls.NUMBERS:
            # A shell starts what it puts in the background with SIGINT ignored; nohup, SIGHUP.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, cls.handle)

    @classmethod
    def ignore(cls):
        for number in cls.NUMBERS:
            signal.signal(number, signal.SIG_IGN)

    @classmethod
    def handle(cls, _number, _frame):
        if cls.held:
            cls.came = True
        else:
            raise Stop

    @classmethod
    @contextlib.contextmanager
    def later(cls):
        cls.held += 1
        try:
            yield
        finally:
            cls.held -= 1
        if cls.came:
            raise Stop


def bring_down(up):
    Signals.ignore()
    if up.began:
        proc.no_more()
        with contextlib.suppress(Failure):
            stop_all(up.cluster, line)


def live(up):
    """The life of an `up`; whatever ends it, but for --detach, ends the cluster."""
    try:
        with locked(up.cluster.path("up.lock"), wait=False):
            up.run()
            if up.options.detach:
                up.leave()
                return
            up.watch()
    except BaseException as error:
        if isinstance(error, Failure):
            failure("compose/up", error)
        elif isinstance(error, Stop):
            line()
            line("Stopping.")
        bring_down(up)
        raise
    line("The cluster was stopped.")


def main():
    up = Up(arguments())
    Signals.watch()
    try:
        os.makedirs(up.cluster.folder, mode=0o700, exist_ok=True)
        live(up)
    except Stop:
        line("Stopped.")
        return 0 if up.published else 1
    except Failure:
        return 1
    except OSError as error:
        failure("compose/up", Failure(str(error)))
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
