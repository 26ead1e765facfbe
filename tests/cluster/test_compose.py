"""compose: a cluster's commands, what cluster.json says, and what is left when it is gone."""
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import stat
import subprocess

import psycopg2
import pytest
import requests
from handle import COMPOSE, Handle
from sql import ask


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def server_pids(cluster, name):
    """All processes of a private server: the postmaster and those that carry its title."""
    found = {cluster.node(name)["pid"]}
    server = "-" + name + ":"
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text.startswith("postgres: millrace-" + digest(cluster)) and server in text:
            found.add(int(entry.parent.name))
    return found


def digest(cluster):
    state = json.loads((cluster.folder / "state.json").read_text())
    return re.search(r"millrace-(\w{8})", json.dumps(state)).group(1)


# cluster.json


def test_cluster_json_says_all_and_only_to_its_owner(cluster):
    path = cluster.folder / "cluster.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    info = cluster.read()
    assert set(info) == {
        "url", "urls", "tenant", "key_id", "key_secret", "api_key", "source", "store_dsn",
        "store_admin_dsn", "source_dsn", "source_admin_dsn", "tenants", "leader", "nodes"}
    assert info["url"] == info["urls"][0] and len(info["urls"]) == 2
    assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+", url) for url in info["urls"])
    assert info["api_key"] == f"mr1.{info['key_id']}.{info['key_secret']}"
    assert (info["tenant"], info["source"], info["leader"]) == ("demo", "demo", "broker1")
    assert [tenant["name"] for tenant in info["tenants"]] == ["demo", "other"]
    assert set(info["tenants"][1]) == {"name", "api_key", "key_id", "key_secret"}


def test_its_nodes_run_and_say_that_they_are_well(cluster):
    nodes = cluster.refresh()["nodes"]
    assert [(node["name"], node["role"]) for node in nodes] == [
        ("store", "store"), ("source", "source"), ("broker1", "broker"),
        ("executor1", "executor"), ("executor2", "executor"), ("api1", "api"), ("api2", "api")]
    for node in nodes:
        assert node["state"] == "up" and runs(node["pid"]) and os.path.exists(node["log"])
        if node["role"] in ("store", "source"):
            assert node["health"] is None
        else:
            assert requests.get(node["health"], timeout=10).status_code == 200
            ready = node["health"].replace("/healthz", "/readyz")
            assert requests.get(ready, timeout=10).status_code == 200


def test_every_dsn_works_as_it_stands(cluster):
    info = cluster.info
    assert ask(info["store_dsn"], "SELECT count(*) FROM tenant") == [(2,)]
    for dsn in (info["store_admin_dsn"], info["source_admin_dsn"]):
        assert ask(dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(True,)]
    assert ask(info["source_dsn"], "SELECT rolsuper FROM pg_roles"
                                   " WHERE rolname = current_user") == [(False,)]
    assert ask(info["source_admin_dsn"], "SELECT current_database()") == [("demo",)]


def test_a_tenants_login_makes_tables_of_its_own_and_grants_on_them(cluster):
    dsn = cluster.info["source_dsn"]
    ask(dsn, "CREATE TABLE mine (n integer); GRANT SELECT ON mine TO PUBLIC")
    try:
        assert cluster.run("SELECT count(*) AS n FROM mine")["rows"] == [{"n": 0}]
        schema = ask(dsn, "SELECT current_schema()")[0][0]
        with pytest.raises(AssertionError, match="42501"):
            cluster.run(f"SELECT * FROM {schema}.mine", key=cluster.other_key)
    finally:
        ask(dsn, "DROP TABLE mine")


# compose/node


@pytest.fixture(scope="module")
def ours():
    """A cluster that the tests of this file may break."""
    handle = Handle()
    try:
        handle.up("--slots", "3")
        yield handle
    finally:
        handle.purge()


def refuses(cluster, action, name):
    """Exit 1, and nothing changes."""
    before = cluster.read()
    done = cluster.act(action, name, check=False)
    assert done.returncode == 1 and done.stdout == "" and name in done.stderr
    assert cluster.read() == before


@pytest.mark.parametrize("name", ["executor1", "api2", "broker1", "source", "store"])
def test_a_node_is_killed_started_paused_resumed_and_stopped(ours, name):
    first = ours.node(name)["pid"]
    pids = server_pids(ours, name) if name in ("store", "source") else {first}
    line = ours.act("kill", name)
    assert (line["name"], line["state"], line["pid"]) == (name, "down", None)
    assert not [pid for pid in pids if runs(pid)]
    for action in ("kill", "stop", "pause", "resume"):
        refuses(ours, action, name)
    line = ours.act("start", name)
    assert line["state"] == "up" and line["pid"] != first and runs(line["pid"])
    assert line == ours.node(name)
    for action in ("start", "resume"):
        refuses(ours, action, name)
    assert ours.act("pause", name)["state"] == "paused"
    for action in ("pause", "start"):
        refuses(ours, action, name)
    assert ours.act("resume", name) == line
    assert ours.act("stop", name)["pid"] is None and not runs(line["pid"])
    assert ours.act("start", name)["state"] == "up"
    assert ours.wait(ours.until(lambda: ours.post("/api/v1/job", {"sql": "SELECT 1"}, check=False),
                                20)["id"])["state"] == "done"


def test_two_nodes_are_killed_at_the_same_time(ours):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for action in ("kill", "start"):
            names = ["executor1", "executor2", "api2"]
            done = list(pool.map(lambda name: ours.compose("node", action, name), names))
            assert [json.loads(one.stdout)["name"] for one in done] == names
    assert all(node["state"] == "up" for node in ours.read()["nodes"])


def test_of_calls_for_one_node_one_acts(ours):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: ours.compose("node", "kill", "executor2", check=False),
                             range(4)))
    assert sorted(one.returncode for one in done) == [0, 1, 1, 1]
    ours.act("start", "executor2")


def test_an_added_node_is_like_its_fellows(ours):
    line = ours.act("add", "executor")
    assert (line["name"], line["role"], line["state"]) == ("executor3", "executor", "up")
    assert ours.node("executor3") == line

    def conf(name):
        text = (ours.folder / "conf" / (name + ".cfg")).read_text()
        return text.replace(name, "NAME")

    assert conf("executor3") == conf("executor1") and 'slots = "3"' in conf("executor3")
    added = ours.act("add", "api")
    assert added["url"] == ours.urls[-1] and len(ours.urls) == 3
    assert ours.run("SELECT 1 AS one", url=added["url"])["rows"] == [{"one": 1}]
    for role in ("store", "source", "king"):
        assert ours.act("add", role, check=False).returncode == 1


def test_the_leader_is_who_leads_now(ours):
    ours.act("kill", "broker1")
    assert ours.read()["leader"] is None
    ours.act("start", "broker1")
    ours.until(lambda: ours.refresh()["leader"] == "broker1", 10)


def test_status_sees_what_died_by_itself(ours):
    pid = ours.node("executor1")["pid"]
    os.kill(pid, signal.SIGKILL)
    ours.until(lambda: not runs(pid), 5)
    table = ours.compose("status").stdout
    assert re.search(r"^executor1 +executor +down +-", table, re.M)
    assert ours.node("executor1")["pid"] is None
    ours.act("start", "executor1")


def test_an_unknown_node_is_an_error(ours):
    refuses(ours, "kill", "executor99")


# compose/up and compose/down


def test_up_on_a_running_cluster_is_an_error(ours):
    before = ours.read()
    done = ours.compose("up", "--detach", "--port", "0", "--no-demo", check=False)
    assert done.returncode == 1 and "runs already" in done.stderr
    assert ours.refresh() == before


@pytest.mark.parametrize("options,said", [
    (["--set", "no_such_setting=1"], "no_such_setting"),
    (["--set", "ledger=maybe"], "must be on or off"),
    (["--set", "name=x"], "name"),
    (["--set", "slots=many"], "slots"),
    (["--source", "x=host=/nowhere"], "user"),
    (["--tenant", "Upper"], "Upper"),
    (["--executors", "0"], "executors"),
    (["--port", "70000"], "port"),
    (["--colour", "red"], "colour"),
])
def test_up_names_what_is_wrong_and_starts_nothing(options, said):
    cluster = Handle()
    try:
        done = cluster.compose("up", "--detach", "--port", "0", "--no-demo", *options, check=False)
        assert done.returncode in (1, 2) and said in done.stderr
        assert not list(cluster.folder.glob("run/*.ready"))
        assert not (cluster.folder / "cluster.json").exists()
    finally:
        cluster.purge()


def test_a_setting_that_a_program_refuses_is_told_from_its_log():
    cluster = Handle()
    try:
        done = cluster.compose("up", "--detach", "--port", "0", "--no-demo", "--set",
                               "lease_ms=-5", check=False)
        assert done.returncode == 1 and "lease_ms" in done.stderr and ".log" in done.stderr
        state = json.loads((cluster.folder / "state.json").read_text())
        assert all(node["process"] is None for node in state["nodes"].values())
    finally:
        cluster.purge()


def test_commands_without_a_cluster_say_so(tmp_path):
    cluster = Handle(tmp_path / "none")
    for command in (["status"], ["down"], ["node", "kill", "store"]):
        done = cluster.compose(*command, check=False)
        assert done.returncode == 1 and "no cluster" in done.stderr


def test_two_clusters_run_side_by_side(cluster, ours):
    assert not set(cluster.urls) & set(ours.urls)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda one: one.run("SELECT 1 AS one")["rows"], [cluster, ours]))
    assert both == [[{"one": 1}]] * 2
    answer = cluster.post("/api/v1/job", {"sql": "SELECT 1"}, key=ours.api_key, check=False)
    assert answer.status_code == 401


def test_a_second_up_finds_its_data_and_purge_leaves_nothing(cluster_factory):
    cluster = cluster_factory()
    job = cluster.submit("SELECT 42 AS answer")
    assert cluster.wait(job)["state"] == "done"
    cluster.run("CREATE TABLE stays (n integer)")
    before = cluster.info
    pids = [node["pid"] for node in before["nodes"]]
    cluster.down()
    assert not [pid for pid in pids if runs(pid)]
    cluster.up()
    for key in before:
        if key not in ("nodes", "leader"):
            assert cluster.info[key] == before[key], key
    assert cluster.results(job)["rows"] == [{"answer": 42}]
    assert cluster.run("SELECT count(*) AS n FROM stays")["rows"] == [{"n": 0}]

    pids = [node["pid"] for node in cluster.info["nodes"]]
    hexes = digest(cluster)
    cluster.down("--purge")
    assert not [pid for pid in pids if runs(pid)]
    for path in (cluster.folder, f"/tmp/millrace-{hexes}",
                 f"/var/lib/postgresql/millrace-{hexes}"):
        assert not os.path.exists(path)


class Foreground:
    """`up` as a user in a terminal has it."""

    def __init__(self, cluster):
        self.cluster = cluster
        argv = [COMPOSE / "up", "--port", "0", "--no-demo", "--dir", cluster.folder]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.read_until("Ctrl-C stops everything")
        cluster.read()

    def read_until(self, word):
        for line in self.process.stdout:
            if word in line:
                return line
        raise AssertionError(f"up ended without saying {word!r}")


@pytest.fixture
def foreground():
    cluster = Handle()
    made = Foreground(cluster)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.stdout.close()
        made.process.wait()
        cluster.purge()


def test_ctrl_c_stops_it_all(foreground):
    pids = [node["pid"] for node in foreground.cluster.info["nodes"]]
    foreground.process.send_signal(signal.SIGINT)
    assert foreground.process.wait(60) == 0
    assert not [pid for pid in pids if runs(pid)]


def test_up_in_the_foreground_tells_of_a_node_that_dies_and_goes_on(foreground):
    cluster = foreground.cluster
    os.kill(cluster.node("executor2")["pid"], signal.SIGKILL)
    foreground.read_until("executor2 ended")
    cluster.act("start", "executor2")
    assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
    cluster.compose("down")
    assert foreground.process.wait(60) == 0


def test_up_loads_debians_packages_and_shows_the_first_jobs_rows():
    cluster = Handle()
    try:
        said = cluster.compose("up", "--detach", "--port", "0", seconds=240).stdout
        cluster.read()
        assert re.search(r"^ +section +packages +installed_mib$", said, re.M)
        assert re.search(r"^ +libs? +\d+ +\d+$|^ +libdevel +\d+ +\d+$", said, re.M)
        assert f"URL  {cluster.url}" in said and cluster.api_key in said
        assert len(re.findall(r"^  curl ", said, re.M)) == 3
        rows = cluster.run("SELECT count(*) AS n FROM packages")["rows"]
        assert rows[0]["n"] > 1000
    finally:
        cluster.purge()


def test_a_store_and_a_source_of_ones_own(cluster, cluster_factory):
    """Another cluster's servers play the servers that are there already."""
    admin = cluster.info["store_admin_dsn"]
    link = psycopg2.connect(admin)
    link.autocommit = True
    link.cursor().execute("CREATE DATABASE elsewhere")
    try:
        mine = cluster_factory("--store", admin.rsplit("/", 1)[0] + "/elsewhere",
                               "--source", "neighbour=" + cluster.info["source_dsn"])
        assert "store" not in [node["role"] for node in mine.info["nodes"]]
        assert mine.info["store_dsn"].endswith("/elsewhere") and mine.info["leader"] == "broker1"
        assert mine.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
        assert "neighbour" in mine.admin("source", "list")
        mine.admin("source", "test", "neighbour", "--tenant", "demo")
        mine.purge()
    finally:
        link.cursor().execute("DROP DATABASE elsewhere WITH (FORCE)")
        link.close()
