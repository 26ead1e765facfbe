"""Where a request begins and ends: the corpus of framing/, each case sent whole and broken off; and a
statement that is cut at every byte. What is cut or ambiguous never runs, and hides no other request.

framing/README.md says how the corpus is written.
"""
import collections
import concurrent.futures
import itertools
import json
import pathlib
import re
import time
import urllib.parse

import psycopg2
import pytest

import raw
import streams

FOLDER = pathlib.Path(__file__).parent / "framing"
REQUEST_MS = 1500
MODES = ("whole", "FIN", "RST", "stall")

# Sent behind a case that is sent whole: answered only when the connection is kept.
FOLLOWER = r"<post>Connection: close\r\nContent-Length: <length>\r\n\r\n<select>"
ROWS = [(1,), (2,), (3,)]


# --- the corpus ---

class Case:
    def __init__(self, file, line, name, number):
        self.where = f"{file}:{line}"
        self.name = name
        self.text = ""
        self.wanted = ""
        self.number = number

    def tag(self, mode):
        """What this case's SQL is told by, or in mode "follower" that of the request behind it."""
        return f"{mode[0]}{self.number:04}"

    def read(self):
        """What is wanted: by mode, the lists of statuses that are right; is the connection kept; how
        many jobs are made."""
        cut = re.fullmatch(r"cut: FIN (.+), stall (.+)", self.wanted)
        if cut:
            return {"FIN": choices(cut.group(1)), "stall": choices(cut.group(2))}, False, 0
        whole = re.fullmatch(r"([\d ]+), (kept|closed)(?:, ran (\d))?(?:; FIN (.+))?", self.wanted)
        assert whole, f"{self.where}: {self.wanted!r}"
        wanted = {mode: choices(whole.group(1)) for mode in ("whole", "FIN", "stall")}
        if whole.group(4):
            wanted["FIN"] = choices(whole.group(4))
        return wanted, whole.group(2) == "kept", int(whole.group(3) or 0)


def choices(text):
    """'none', '400', '100 400' or '400 or 408', as lists of statuses."""
    return [[int(status) for status in one.split() if status != "none"] for one in text.split(" or ")]


def read_corpus():
    cases = []
    for path in sorted(FOLDER.glob("*.raw")):
        for number, line in enumerate(path.read_text().split("\n"), 1):
            if line.startswith("#") or not line:
                continue
            if line.startswith(">"):
                cases[-1].text += line[2:]
            elif line.startswith("<"):
                cases[-1].wanted = line[2:]
            else:
                cases.append(Case(path.stem, number, line, len(cases)))
    return cases


CASES = read_corpus()


def sql(tag, statement):
    return f'{{"sql":"/*{tag}*/ {statement}"}}'


def unescape(text):
    codes = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    return re.sub(r"\\(?:x([0-9a-f]{2})|([rnt0\\]))",
                  lambda m: chr(int(m.group(1), 16)) if m.group(1) else codes[m.group(2)], text)


class Writer:
    """Makes bytes of a case's text."""

    def __init__(self, cluster):
        self.port = urllib.parse.urlsplit(cluster.url).port
        self.key = cluster.api_key

    def names(self, tag):
        delete = sql(tag, "DELETE FROM framed WHERE id=1")
        select = sql(tag, "SELECT 1 AS n FROM framed    ")
        size = len(delete)
        auth = f"Authorization: Bearer {self.key}\r\n"
        post = f"POST /api/v1/job HTTP/1.1\r\nHost: h\r\n{auth}"
        request = f"{post}Content-Length: {size}\r\n\r\n{delete}"
        assert len(select) == size
        return {"key": self.key, "port": str(self.port), "tag": tag, "auth": auth, "post": post,
                "delete": delete, "select": select, "request": request,
                "request.length": str(len(request)), "length": str(size), "hex": f"{size:x}",
                "length+1": str(size + 1), "length+2^64": str(size + 2**64)}

    @staticmethod
    def many(word, count):
        return {"x": lambda: "x" * count, "0": lambda: "0" * count, "blank": lambda: " " * count,
                "headers": lambda: "".join(f"X-{i}: y\r\n" for i in range(count)),
                "params": lambda: "&".join(f"p{i}=1" for i in range(count))}[word]()

    def bytes(self, text, tag):
        names = self.names(tag)

        def fill(match):
            word, _, count = match.group(1).partition(" ")
            if count and word in names:
                return names[word].ljust(int(count))
            return self.many(word, int(count)) if count else names[word]

        text = re.sub(r"<([\w.+^]+(?: \d+)?)>", lambda m: m.group(0) if m.group(1) == "rest" else fill(m),
                      unescape(text))
        rest = len(text.partition("\r\n\r\n")[2])
        return text.replace("<rest>", str(rest)).encode("latin-1")

def play(writer, case, mode):
    """Send one case in one mode; returns what was heard and how the connection ended."""
    data = writer.bytes(case.text, case.tag(mode))
    if mode == "whole":
        data += writer.bytes(FOLLOWER, case.tag("follower"))
    sock = raw.dial(writer.port)
    sent = raw.give(sock, data)
    if mode == "RST":
        raw.reset(sock)
        return b"", "RST", 0
    if mode == "FIN":
        raw.half_close(sock)
    with sock:
        heard, end, seconds = raw.hear(sock)
        return heard, end if sent else "RST", seconds


# --- one cluster, and what it did ---

@pytest.fixture(scope="module")
def doors(module_cluster):
    """A cluster whose requests have 1.5 s, with enough workers for many that stall at once."""
    cluster = module_cluster("--apis", "1", "--executors", "1", "--set", f"request_ms={REQUEST_MS}",
                             "--set", "http_threads=700")
    cluster.run("CREATE TABLE framed (id integer)")
    cluster.run("INSERT INTO framed VALUES (1), (2), (3)")
    return cluster


def stored(cluster):
    """The SQL texts of all jobs there are."""
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute("SELECT sql FROM live UNION ALL SELECT sql FROM job")
        return [text for text, in cursor.fetchall()]


def rows(cluster):
    return [tuple(row.values()) for row in cluster.run("SELECT id FROM framed ORDER BY id")["rows"]]


@pytest.fixture(scope="module")
def played(doors):
    """Every case in every mode that it has, many at a time: what was heard, and the jobs by tag."""
    writer = Writer(doors)
    plays = [(case, mode) for case in CASES for mode in MODES if mode == "RST" or mode in case.read()[0]]
    plays.sort(key=lambda one: one[1] != "stall")
    with concurrent.futures.ThreadPoolExecutor(128) as pool:
        heard = list(pool.map(lambda one: play(writer, *one), plays))
    texts = stored(doors)
    tags = collections.Counter(tag for text in texts for tag in re.findall(r"^/\*(\w+)\*/", text))
    return {(case.number, mode): what for (case, mode), what in zip(plays, heard)}, tags


def test_the_corpus_is_large_and_its_names_are_its_own():
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.where.split(':')[0]}: {case.name}")
def test_case(case, played):
    heard, tags = played
    wanted, kept, ran = case.read()
    for mode, right in wanted.items():
        data, end, seconds = heard[case.number, mode]
        where = f"{case.where} {mode}: {end} after {seconds:.1f} s, {data[-300:]!r}"
        assert end == "EOF", where  # a reset could have overtaken the answer
        got = raw.answers(data, no_body=case.text.startswith("HEAD"))
        followed = [200] if mode == "whole" and kept else []
        assert [answer.status for answer in got] in [one + followed for one in right], where
        assert all(answer.whole for answer in got), where
        if not kept and got:
            assert got[-1].headers.get("connection") == "close", where
        succeeded = any(answer.status == 200 for answer in got)
        assert tags[case.tag(mode)] == (ran if succeeded else 0), where
    assert tags[case.tag("RST")] <= ran
    assert tags[case.tag("follower")] == int(kept)


# --- one statement, cut at every byte ---

def requests_to_cut(writer):
    body = sql("cut", "DELETE FROM framed WHERE id=1")
    head = f"POST /api/v1/job HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {writer.key}\r\n"
    chunks = f"5\r\n{body[:5]}\r\n{len(body) - 5:x}\r\n{body[5:]}\r\n0\r\n\r\n"
    yield f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    yield f"{head}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode()


@pytest.mark.parametrize("ending", ["FIN", "RST", "stall"])
def test_a_statement_cut_at_any_byte_does_not_run(doors, ending):
    writer = Writer(doors)
    before = len(stored(doors))
    beginnings = list(itertools.chain.from_iterable(
        (request[:size] for size in range(len(request))) for request in requests_to_cut(writer)))
    assert len(beginnings) > 300
    socks = []
    for data in beginnings:
        socks.append(raw.dial(writer.port))
        raw.give(socks[-1], data)
        if ending == "RST":
            raw.reset(socks[-1])
        elif ending == "FIN":
            raw.half_close(socks[-1])
    for data, sock in zip(beginnings, socks) if ending != "RST" else ():
        with sock:
            heard, end, _ = raw.hear(sock)
        statuses = [answer.status for answer in raw.answers(heard)]
        assert end == "EOF" and statuses in ([400], [408]) if data else statuses == [], (data, end, heard)
    assert len(stored(doors)) == before
    assert rows(doors) == ROWS


@pytest.mark.parametrize("nul", ["\0", "\\u0000"])
def test_a_statement_with_a_nul_at_any_place_does_not_run(doors, nul):
    """One connection: a body that is framed well is refused, and the connection goes on."""
    writer = Writer(doors)
    before = len(stored(doors))
    text = sql("nul", "DELETE FROM framed WHERE id=1")
    first = text.index("/*") if nul != "\0" else 0
    last = text.rindex('"') if nul != "\0" else len(text)
    with raw.dial(writer.port) as sock:
        for place in range(first, last + 1):
            body = text[:place] + nul + text[place:]
            raw.give(sock, (f"POST /api/v1/job HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {writer.key}\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        raw.half_close(sock)
        got = raw.answers(raw.hear(sock)[0])
    assert [answer.status for answer in got] == [400] * (last + 1 - first)
    assert all(json.loads(answer.body)["error"]["code"] == "invalid" for answer in got)
    assert len(stored(doors)) == before and rows(doors) == ROWS


def test_a_nul_at_any_place_of_the_head_runs_nothing(doors):
    writer = Writer(doors)
    before = len(stored(doors))
    request = next(requests_to_cut(writer))
    head = request.index(b"\r\n\r\n")
    for place in range(head + 1):
        with raw.dial(writer.port) as sock:
            raw.give(sock, request[:place] + b"\0" + request[place:])
            got = raw.answers(raw.hear(sock)[0])
        assert [answer.status for answer in got] == [400], (place, got)
    assert len(stored(doors)) == before and rows(doors) == ROWS


# --- bytes of others ---

def test_blank_lines_do_not_repeat_an_earlier_clients_request(doors):
    """civetweb looks for a request behind blank lines beyond what this client sent."""
    writer = Writer(doors)
    first = b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 400 + b"\r\n\r\n"
    second = writer.bytes("GET /api/v1/job/x?secret=1 HTTP/1.1\r\nHost: h\r\n<auth>Connection: close\r\n\r\n", "")
    assert len(second) < len(first)
    for _ in range(40):
        with raw.dial(writer.port) as victim:
            raw.give(victim, first + second)
            assert b"secret" in raw.hear(victim)[0]
        with raw.dial(writer.port) as stranger:
            raw.give(stranger, b"\r\n\r\n" + b" " * (len(first) - 4))
            heard = raw.hear(stranger)[0]
        assert [answer.status for answer in raw.answers(heard)] == [400]
        assert b"secret" not in heard


# --- time ---

def dribble(port, first, piece, seconds):
    """Send pieces ten times a second until there is an answer; returns it."""
    with raw.dial(port) as sock:
        raw.give(sock, first)
        sock.settimeout(0.1)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            raw.give(sock, piece)
            try:
                return raw.answers(sock.recv(4096))[0].status
            except TimeoutError:
                pass
    return None


def test_a_body_that_comes_steadily_is_cut_at_its_deadline(doors):
    writer = Writer(doors)
    first = writer.bytes("<post>Content-Length: 900000\r\n\r\n", "")
    assert dribble(writer.port, first, b" " * 2000, 8) == 408


def test_a_head_that_dribbles_is_cut_at_its_deadline(doors):
    first = b"GET /healthz HTTP/1.1\r\nX: "
    assert dribble(Writer(doors).port, first, b"x", 8) == 400


def test_a_body_over_the_limit_is_refused_while_the_client_still_waits_to_send_it(doors):
    writer = Writer(doors)
    for framing in ("Content-Length: 2000000\r\n", "Expect: 100-continue\r\nContent-Length: 2000000\r\n"):
        with raw.dial(writer.port) as sock:
            sock.settimeout(REQUEST_MS / 2000)
            raw.give(sock, writer.bytes(f"<post>{framing}\r\n", ""))
            assert [answer.status for answer in raw.answers(sock.recv(4096))] == [413]


def is_served(sock):
    """Does the server still hold its end of the connection open? Asked of the kernel, since what was not
    read hides its end."""
    (_, ours), (_, theirs) = sock.getsockname(), sock.getpeername()
    with open("/proc/net/tcp", encoding="ascii") as table:
        ends = [line.split()[1:4] for line in table]
    return any(local.endswith(f":{theirs:04X}") and remote.endswith(f":{ours:04X}") and state == "01"
               for local, remote, state in ends)


def test_a_reader_that_takes_nothing_is_cut(doors):
    job = doors.submit("SELECT repeat('x', 1000) FROM generate_series(1, 30000)")
    doors.wait(job)
    began = time.monotonic()
    with streams.slow_socket(doors, f"/api/v1/job/{job}/results?limit=all&format=ndjson", buffer=1 << 14) as sock:
        heard = sock.recv(1 << 10)
        assert is_served(sock)
        doors.until(lambda: not is_served(sock), 20)
        assert time.monotonic() - began >= REQUEST_MS / 1000
        rest, end, _ = raw.hear(sock)
    with pytest.raises(streams.Cut):
        streams.read(heard + rest)
    assert end != "SILENCE"


def test_an_expectation_is_met_before_the_body_is_there(doors):
    writer = Writer(doors)
    with raw.dial(writer.port) as sock:
        raw.give(sock, writer.bytes("<post>Expect: 100-continue\r\nContent-Length: <length>\r\n\r\n", ""))
        assert [answer.status for answer in raw.answers(sock.recv(4096))] == [100]
        raw.give(sock, writer.bytes("<select>", ""))
        assert [answer.status for answer in raw.answers(sock.recv(4096))] == [200]


def test_after_all_this_every_row_is_there_and_no_job_ever_deleted(played, doors):
    assert not [text for text in stored(doors) if "DELETE" in text]
    assert rows(doors) == ROWS
