"""The two private PostgreSQL servers, and psql.

As root they run as user postgres, with their data below /var/lib/postgresql (the cluster's folder
may be one that this user cannot enter); else as ourselves, with their data in the cluster's folder.
Their logs are opened by us and inherited.
"""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time

import dsn
import proc
from cluster import put
from say import Failure

SHUTDOWN_S = 60
START_S = 60

# Both servers share folders, and are made by two threads.
folders = threading.Lock()


def newest():
    """The bin folder of the newest installed server."""
    found = [path for path in glob.glob("/usr/lib/postgresql/*/bin") if
             os.access(path + "/initdb", os.X_OK)]
    if not found:
        raise Failure("no PostgreSQL server was found below /usr/lib/postgresql")
    return max(found, key=lambda path: float(path.split("/")[4]))


class Server:
    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.data = os.path.join(cluster.data, name)
        self.user = "postgres" if cluster.rooted else None
        self.title = f"millrace-{cluster.hex}-{name}"
        self.log = cluster.log(name)

    def make(self, password):
        """Make the data folder, once."""
        if os.path.exists(self.data + "/PG_VERSION"):
            return
        fresh = self.data + ".new"
        self._folder(os.path.dirname(self.data))
        shutil.rmtree(fresh, ignore_errors=True)
        secret = fresh + ".password"
        put(secret, password + "\n")
        if self.user:
            shutil.chown(secret, self.user)
        argv = [newest() + "/initdb", "-D", fresh, "-U", "postgres", "--auth=scram-sha-256",
                f"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                "--no-instructions"]
        try:
            with open(self.log, "ab") as out:
                done = proc.run(argv, stdout=out, stderr=out, cwd=os.path.dirname(self.data),
                                env=proc.environment(), **proc.as_user(self.user))
        finally:
            os.unlink(secret)
        if done.returncode != 0:
            raise Failure(f"initdb of server {self.name} failed", self.log)
        os.rename(fresh, self.data)

    def _folder(self, path, mode=0o700):
        """A folder that is the server's user's own; made when it does not exist."""
        if path == self.cluster.folder:
            return
        with folders:
            try:
                os.mkdir(path, mode)
                os.chmod(path, mode)
                if self.user:
                    shutil.chown(path, self.user, self.user)
            except FileExistsError:
                found = os.lstat(path)
                owner = pwd.getpwnam(self.user).pw_uid if self.user else os.geteuid()
                if not os.path.isdir(path) or os.path.islink(path) or found.st_uid != owner:
                    raise Failure(f"{path} exists and is not ours") from None

    def configure(self, port, connections):
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": self.cluster.sockets,
            "max_connections": connections,
            "shared_buffers": "256MB",
            "wal_level": "replica",
            "max_wal_size": "4GB",
            "fsync": "on",
            "synchronous_commit": "on",
            "autovacuum": "on",
            "password_encryption": "scram-sha-256",
            "client_connection_check_interval": "1s",
            "cluster_name": self.title,
            "logging_collector": "off",
            "log_destination": "stderr",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "datestyle": "iso, ymd",
            "dynamic_shared_memory_type": "posix",
        }
        lines = ["# Written by compose/up at every start; use ALTER SYSTEM for changes that stay."]
        lines += [f"{key} = '{value}'" for key, value in settings.items()]
        path = self.data + "/postgresql.conf"
        put(path, "\n".join(lines) + "\n")
        if self.user:
            shutil.chown(path, self.user, self.user)

    def start(self):
        """Start it; returns its process without waiting until it is ready."""
        self._folder(self.cluster.sockets, 0o755)
        self._forget_the_dead()
        with open(self.data + "/PG_VERSION", encoding="ascii") as file:
            program = f"/usr/lib/postgresql/{file.read().strip()}/bin/postgres"
        return proc.spawn([program, "-D", self.data], self.log, cwd=self.data, user=self.user)

    def _forget_the_dead(self):
        """Lock files outlive a server that was killed, and their pid may be a stranger's by now.
        The caller knows that no process of this server is left."""
        for path in [self.data + "/postmaster.pid", *glob.glob(f"{self.cluster.sockets}/.s.*")]:
            try:
                with open(path, encoding="utf-8") as file:
                    lines = file.read().split("\n")
            except (OSError, UnicodeDecodeError):
                continue
            if len(lines) > 1 and lines[1] == self.data:
                os.unlink(path)

    def wait_ready(self, process):
        """postmaster.pid names the process and ends with "ready" once it takes connections."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if proc.state(process) == "down":
                raise Failure(f"server {self.name} ended while it started", self.log)
            try:
                with open(self.data + "/postmaster.pid", encoding="utf-8") as file:
                    lines = file.read().split("\n")
                if lines[0] == str(process["pid"]) and lines[7].strip() == "ready":
                    return
            except (OSError, IndexError):
                pass
            time.sleep(0.02)
        raise Failure(f"server {self.name} was not ready after {START_S} s", self.log)

    def processes(self, process):
        """The postmaster first, then all that belong to it; also those whose postmaster died."""
        below, first = [], []
        if proc.state(process) != "down":
            first = [process]
            below = proc.descendants(process["pid"])
        below += [pid for pid in proc.titled(f"postgres: {self.title}:") if pid not in below]
        return first + [proc.untitled(pid) for pid in below]

    def kill(self, process):
        """SIGKILL to all at one moment: a stopped postmaster neither forks nor cleans up."""
        proc.send(process, signal.SIGSTOP)
        return proc.end(self.processes(process), signal.SIGKILL, 10)

    def stop(self, process):
        """A fast shutdown; what has not ended after its time is killed."""
        self.resume(process)
        proc.end([process] if process else [], signal.SIGINT, SHUTDOWN_S)
        return self.kill(process)

    def pause(self, process):
        proc.send(process, signal.SIGSTOP)
        for one in self.processes(process):
            proc.send(one, signal.SIGSTOP)

    def resume(self, process):
        for one in reversed(self.processes(process)):
            proc.send(one, signal.SIGCONT)


def psql(parts, script, data=None, seconds=120, log=None):
    """Run a script in one session; returns its output. `data`: bytes for a \\copy in it, or for a
    COPY ... FROM STDIN that ends the script."""
    shown = {key: value for key, value in parts.items() if key != "password"}
    argv = [newest() + "/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn.keywords(shown)]
    secret = {"PGPASSWORD": parts["password"]} if "password" in parts else {}
    try:
        done = proc.run(argv, input=script.encode() + (data or b""), timeout=seconds,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        env=proc.environment(secret))
    except subprocess.TimeoutExpired:
        raise Failure(f"the server did not answer psql for {seconds} s", log) from None
    if done.returncode != 0:
        said = re.sub(r"^psql:<stdin>:\d+: ", "", done.stderr.decode("utf-8", "replace").strip())
        raise Failure(f"psql: {said}", log)
    return done.stdout.decode("utf-8")


def name(text):
    """An SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def literal(text):
    """An SQL string."""
    return "'" + str(text).replace("'", "''") + "'"
