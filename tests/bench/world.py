"""The cluster that is measured: built for release, made by compose/up, removed afterwards."""
import contextlib
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

import nodes  # noqa: E402
import postgres  # noqa: E402
import programs  # noqa: E402
from cluster import Cluster  # noqa: E402
from handle import Handle  # noqa: E402

BUILD = REPOSITORY / "build-bench"
BENCH_TARGETS = ("bench_load", "bench_drain", "bench_constant")


class Unfit(Exception):
    """No figure can be given."""


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

    def settle(self):
        """Leave no write-back of an earlier run to the next."""
        for server in ("store", "source"):
            postgres.psql(self.parts(server, "postgres"), "CHECKPOINT;")

    def nodes(self, role=None):
        return [node for node in self.info["nodes"] if role in (None, node["role"])]

    def load(self, mode, connections, *more, urls=None):
        """Run the load generator; what it reports."""
        options = self.options
        done = subprocess.run(
            [self.program("bench_load"), "-s", str(options.seconds), "-w", str(options.warmup), "-c",
             str(connections), "-k", self.info["api_key"], *more, mode,
             *(urls or self.info["urls"])],
            capture_output=True, text=True, timeout=options.seconds + 120, check=False)
        with contextlib.suppress(ValueError):
            said = json.loads(done.stdout)
            if not said["errors"]:
                return said
            raise Unfit(f"{said['errors']} operations failed; the first: {said['error']}")
        raise Unfit(f"the load generator failed: {done.stderr.strip()}")
