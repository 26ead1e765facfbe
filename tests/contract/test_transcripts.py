"""Transcripts: what a dialect's text promises, request by request, run against a real cluster.

A transcript (tests/contract/<dialect>/*.http) is a list of exchanges:

    # a sentence of the dialect's text
    > POST /api/v1/job
    > Authorization: Bearer {key}
    >
    > {"sql": "SELECT 1 AS one"}
    < 200
    < Content-Type: application/json; charset=utf-8
    <
    < {"id": "{id:uuid}"}

Placeholders: {user}, {key}, {other_user}, {other_key} and whatever was captured before. In an expected
JSON body the text "{name:kind}" captures a value of that kind (uuid, time, time_ms, number, text, any),
"{:kind}" only checks it, a member "..." allows members that are not listed, and so does an item "..."
for any number of items. Headers that are listed must be there. `< 200 within 10` sends the request
again and again until it is answered so, for at most 10 seconds.
"""

import json
import pathlib
import re
import time

import pytest
import requests

HERE = pathlib.Path(__file__).parent

KINDS = {
    "uuid": lambda v: isinstance(v, str)
    and re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", v),
    "time": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", v),
    "time_ms": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", v),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v >= 0,
    "text": lambda v: isinstance(v, str) and v != "",
    "any": lambda v: True,
}


class Exchange:
    def __init__(self, line):
        self.line = line
        self.sent = []
        self.wanted = []


def exchanges(path):
    """The exchanges of a transcript, in order."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith(">"):
            if not found or found[-1].wanted:
                found.append(Exchange(number))
            found[-1].sent.append(line[2:])
        elif line.startswith("<"):
            found[-1].wanted.append(line[2:])
        else:
            assert line == "" or line.startswith("#"), f"{path.name}:{number}: {line!r}"
    return found


def split(lines):
    """First line, headers, body."""
    head, _, body = "\n".join(lines).partition("\n\n")
    first, *headers = head.split("\n")
    return first, dict(h.split(": ", 1) for h in headers), body


def fill(text, names):
    return re.sub(r"\{(\w+)\}", lambda m: names[m.group(1)] if m.group(1) in names else m.group(0), text)


def match(wanted, got, names, where):
    """Compare an answer's JSON with what the transcript wants of it."""
    if isinstance(wanted, str):
        place = re.fullmatch(r"\{(\w*):(\w+)\}", wanted)
        if place:
            assert KINDS[place.group(2)](got), f"{where}: {got!r} is no {place.group(2)}"
            if place.group(1):
                names[place.group(1)] = str(got)
            return
        assert fill(wanted, names) == got, where
    elif isinstance(wanted, dict):
        assert isinstance(got, dict), f"{where}: {got!r} is no object"
        listed = [k for k in wanted if k != "..."]  # in their order: what one captures, the next may name
        assert set(listed) <= set(got), f"{where}: missing {sorted(set(listed) - set(got))}"
        if "..." not in wanted:
            assert set(got) == set(listed), f"{where}: unexpected {sorted(set(got) - set(listed))}"
        for name in listed:
            match(wanted[name], got[name], names, f"{where}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(got, list), f"{where}: {got!r} is no list"
        before, after = wanted, []
        if "..." in wanted:
            before, after = wanted[:wanted.index("...")], wanted[wanted.index("...") + 1:]
        assert len(got) >= len(before) + len(after), f"{where}: {got!r}"
        if "..." in wanted:
            got = got[:len(before)] + got[len(got) - len(after):]
        assert len(got) == len(before) + len(after), f"{where}: {got!r}"
        for i, item in enumerate(before + after):
            match(item, got[i], names, f"{where}[{i}]")
    else:
        assert type(wanted) is type(got) and wanted == got, f"{where}: {got!r}, not {wanted!r}"


def ask(exchange, url, names):
    request, headers, body = split(exchange.sent)
    method, target = fill(request, names).split(" ", 1)
    headers = {k: fill(v, names) for k, v in headers.items()}
    return requests.request(
        method, url + target, headers=headers, data=fill(body, names).encode() or None, timeout=30
    )


def check(exchange, answer, names, where):
    status, headers, body = split(exchange.wanted)
    assert answer.status_code == int(status.split()[0]), f"{where}: {answer.status_code} {answer.text}"
    for name, value in headers.items():
        assert answer.headers.get(name) == fill(value, names), f"{where}: {name}: {answer.headers.get(name)}"
    if body:
        match(json.loads(body), answer.json(), names, where)


def run(exchange, url, names, path):
    where = f"{path.parent.name}/{path.name}:{exchange.line}"
    patience = re.search(r" within (\d+)$", exchange.wanted[0])
    deadline = time.monotonic() + (int(patience.group(1)) if patience else 0)
    while True:
        answer = ask(exchange, url, names)
        try:
            return check(exchange, answer, names, where)
        except AssertionError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.02)


TRANSCRIPTS = sorted(HERE.glob("*/*.http"))


def test_there_are_transcripts():
    assert len(TRANSCRIPTS) >= 1


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_transcript(path, cluster):
    names = {"user": cluster.tenant, "key": cluster.api_key, "other_user": "other",
             "other_key": cluster.other_key}
    for number, exchange in enumerate(exchanges(path)):
        run(exchange, cluster.urls[number % len(cluster.urls)], names, path)
