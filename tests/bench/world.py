"""The cluster that is measured: built for release, made by compose/up, removed afterwards."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "lib"), str(REPOSITORY / "compose" / "lib")]

import calls  # noqa: E402
import nodes  # noqa: E402
import postgres  # noqa: E402
import programs  # noqa: E402
from cluster import Cluster  # noqa: E402
from figures import Unfit  # noqa: E402
from handle import Handle  # noqa: E402

BUILD = REPOSITORY / "build-bench"
BENCH_TARGETS = ("bench_load", "bench_drain", "bench_constant")
CLIENT_S = 300


def build():
    subprocess.run(["cmake", "-S", REPOSITORY, "-B", BUILD, "-G", "Ninja", "-DBENCH=ON",
                    "-DCMAKE_BUILD_TYPE=Release"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, *programs.TARGETS, *BENCH_TARGETS], check=True,
                   stdout=subprocess.DEVNULL)


class World:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="millrace-bench-")
        self.handle = Handle(os.path.join(self.folder, "cluster"))
        self.cluster = Cluster(self.handle.folder)
        self.info = {}
        self.jobs = {}  # by their text: what other measures may read again

    def __enter__(self):
        build()
        os.environ["MILLRACE_PROGRAMS"] = str(BUILD)
        options = self.options
        arguments = ["--apis", options.apis, "--executors", options.executors, "--slots",
                     options.slots]
        for pair in options.set:
            arguments += ["--set", pair]
        try:
            self.info = self.handle.up(*map(str, arguments))
            postgres.psql(self.parts("store", "postgres"), "CREATE DATABASE bench;")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.options.keep:
            print(f"kept: {self.handle.folder}")
            return
        self.handle.purge()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return str(BUILD / name)

    def tool(self, name):
        return os.path.join(postgres.newest(), name)

    def parts(self, server, dbname):
        return nodes.server_parts(self.cluster, self.cluster.read(), server, dbname)

    def client(self, server, dbname):
        """The environment that makes libpq's tools talk to a server as its superuser."""
        parts = self.parts(server, dbname)
        return dict(os.environ, PGHOST=parts["host"], PGPORT=str(parts["port"]),
                    PGUSER=parts["user"], PGPASSWORD=parts["password"], PGDATABASE=dbname)

    def scratch(self, script):
        postgres.psql(self.parts("store", "bench"), "SET client_min_messages = error;\n" + script)

    def source(self, script):
        """On the source, as its superuser."""
        postgres.psql(self.parts("source", "demo"), "SET client_min_messages = error;\n" + script)

    def settle(self):
        """Leave no write-back of an earlier run to the next."""
        for server in ("store", "source"):
            postgres.psql(self.parts(server, "postgres"), "CHECKPOINT;")

    def keep(self, query, job):
        self.jobs[query] = job

    def stored(self, query):
        """A job that has run this query; it runs once."""
        if query not in self.jobs:
            job = calls.submit(self, query)
            calls.wait_done(self, job)
            self.keep(query, job)
        return self.jobs[query]

    def nodes(self, role=None):
        return [node for node in self.info["nodes"] if role in (None, node["role"])]

    def load(self, mode, connections, *more, urls=None):
        """Run the load generator; what it reports."""
        options = self.options
        said = self.report(["bench_load", "-s", options.seconds, "-w", options.warmup, "-c",
                            connections, "-k", self.info["api_key"], *more, mode,
                            *(urls or self.info["urls"])])
        if said["errors"]:
            raise Unfit(f"{said['errors']} operations failed; the first: {said['error']}")
        return said

    def drain_command(self, paths, *more):
        return ["bench_drain", "--key", self.info["api_key"], *more, self.info["url"], *paths]

    def drain(self, paths, *more):
        """Read replies to their end; what the reader reports."""
        said = self.report(self.drain_command(paths, *more))
        if said["error"]:
            raise Unfit(said["error"])
        return said

    def begin(self, command):
        """Start a program of the bench."""
        return subprocess.Popen([self.program(command[0]), *map(str, command[1:])],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def report(self, command, process=None):
        """The one JSON object that it prints when it ends."""
        process = process or self.begin(command)
        try:
            out, errors = process.communicate(timeout=CLIENT_S)
            return json.loads(out)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Unfit(f"{command[0]} did not end within {CLIENT_S} s") from None
        except ValueError:
            raise Unfit(f"{command[0]} failed: {errors.strip()}") from None
