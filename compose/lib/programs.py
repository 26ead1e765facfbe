"""Millrace's own programs: built, asked for their settings, configured, and asked whether ready."""
import http.client
import json
import os
import re
import subprocess
import time
from urllib.parse import urlsplit

import proc
from cluster import REPOSITORY, locked, put
from say import Failure

TARGETS = ("millrace-api", "millrace-broker", "millrace-executor", "millrace")
READY_S = 15

# What compose decides for each node; --set may not.
RESERVED = ("name", "store", "ready_file", "http_host", "http_port", "health_host", "health_port",
            "bus_host", "seal_key_file")


def build(cluster):
    """Build what changed; returns the folder of the programs. MILLRACE_PROGRAMS names a folder of
    programs that are taken as they are."""
    given = os.environ.get("MILLRACE_PROGRAMS")
    if given:
        for target in TARGETS:
            if not os.access(os.path.join(given, target), os.X_OK):
                raise Failure(f"MILLRACE_PROGRAMS={given} has no {target}")
        return os.path.realpath(given)
    folder = os.path.join(REPOSITORY, "build")
    if not os.access(folder if os.path.exists(folder) else REPOSITORY, os.W_OK):
        folder = cluster.path("build")
    os.makedirs(folder, exist_ok=True)
    log = cluster.log("build")
    with locked(folder + "/.compose.lock"):
        _forget_another_clone(folder)
        if not os.path.exists(folder + "/build.ninja"):
            _tool(["cmake", "-S", REPOSITORY, "-B", folder, "-G", "Ninja",
                   "-DCMAKE_BUILD_TYPE=Release"], log)
        _tool(["ninja", "-C", folder, *TARGETS], log)
    return folder


def _forget_another_clone(folder):
    """A build folder that moved with its clone still names the old place."""
    try:
        with open(folder + "/CMakeCache.txt", encoding="utf-8") as file:
            home = re.search(r"^CMAKE_HOME_DIRECTORY:\w+=(.*)$", file.read(), re.M)
    except OSError:
        return
    if not home or home.group(1) != REPOSITORY:
        for name in ("CMakeCache.txt", "build.ninja"):
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))


def _tool(argv, log):
    with open(log, "ab") as out:
        try:
            done = proc.run(argv, stdout=out, stderr=out)
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise Failure(f"{argv[0]} failed", log)


def settings(folder, role):
    """{name: default} of a program, as it tells."""
    program = os.path.join(folder, "millrace-" + role)
    done = subprocess.run([program, "--settings"], stdin=subprocess.DEVNULL, capture_output=True,
                          env=proc.environment(), text=True, timeout=10, check=False)
    if done.returncode != 0:
        raise Failure(f"millrace-{role} --settings failed: {done.stderr.strip()}")
    rows = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {row[0]: row[2] for row in rows}


def write_conf(path, values):
    """A ZPL file. Values are quoted; the format has no escapes."""
    lines = []
    for key, value in values.items():
        text = str(value)
        quote = "'" if '"' in text else '"'
        if quote in text or "\n" in text or len(text) > 900:
            raise Failure(f"setting {key}: its value cannot be written into a settings file")
        lines.append(f"{key} = {quote}{text}{quote}")
    put(path, "\n".join(lines) + "\n")


def millrace(folder, store, argv, secret=None):
    """Run the command line tool; returns its output."""
    done = proc.run([os.path.join(folder, "millrace"), *argv], text=True, timeout=60,
                    input=secret + "\n" if secret is not None else "",
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env=proc.environment({"MILLRACE_STORE": store}))
    if done.returncode != 0:
        shown = " ".join(argv[:2])
        raise Failure(f"millrace {shown} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def get(url, seconds=2):
    """The status of a GET, or None when nobody answered."""
    parts = urlsplit(url)
    caller = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    try:
        caller.request("GET", parts.path)
        return caller.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        caller.close()


def wait_ready(node, process, ready_file):
    """Wait until the node wrote its ready file (when there is one to wait for) and its /readyz is
    200. Returns its URL."""
    deadline = time.monotonic() + READY_S
    url = None if ready_file else node["health"].rsplit("/", 1)[0]
    while time.monotonic() < deadline:
        if proc.state(process) == "down":
            raise Failure(f"{node['name']} ended while it started", node["log"])
        if not url:
            url = _announced(ready_file, process["pid"])
        if url and get(url + "/readyz") == 200:
            return url
        time.sleep(0.02)
    what = "did not answer /readyz with 200" if url else "wrote no ready file"
    raise Failure(f"{node['name']} {what} for {READY_S} s", node["log"])


def _announced(path, pid):
    try:
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
    except (OSError, ValueError):
        return None
    return said["url"].rstrip("/") if said.get("pid") == pid else None
