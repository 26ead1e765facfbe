"""Answers as bytes: read whole or found to be cut, without any HTTP library's leniency."""
import contextlib
import re
import socket
import threading
import urllib.parse

import raw


class Cut(Exception):
    """The answer ends before its end."""


class Reply:
    def __init__(self, status, headers, body, trailers):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body
        self.trailers = trailers


def line(data, at):
    """The line at `at`, and where the next one begins."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Cut
    return data[at:end], end + 2


def fields(data, at):
    """Header lines up to the empty one, and what stands behind it."""
    found = {}
    while True:
        text, at = line(data, at)
        if not text:
            return found, at
        name, _, value = text.decode("latin-1").partition(": ")
        found[name.lower()] = value


def chunks(data, at):
    found = []
    while True:
        size, at = line(data, at)
        size = int(size, 16)
        if size == 0:
            return b"".join(found), at
        if len(data) < at + size + 2:
            raise Cut
        assert data[at + size:at + size + 2] == b"\r\n"
        found.append(data[at:at + size])
        at += size + 2


def body_and_trailers(headers, data, at):
    """And where they end."""
    if headers.get("transfer-encoding") == "chunked":
        body, at = chunks(data, at)
        return body, *fields(data, at)
    size = int(headers.get("content-length", "0"))
    if len(data) < at + size:
        raise Cut
    return data[at:at + size], {}, at + size


def first(data, method="GET"):
    """The first of several replies, and what stands behind it; raises Cut."""
    start, at = line(data, 0)
    match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) .*", start)
    assert match, start
    status = int(match.group(1))
    headers, at = fields(data, at)
    body, trailers = b"", {}
    if method != "HEAD" and status not in (204, 304):
        body, trailers, at = body_and_trailers(headers, data, at)
    return Reply(status, headers, body, trailers), data[at:]


def read(data):
    """A whole reply, with nothing behind it; raises Cut."""
    reply, rest = first(data)
    assert not rest, "bytes behind the reply"
    return reply


def request(cluster, path, *headers, version="1.1", method="GET", keep=False):
    lines = [f"{method} {path} HTTP/{version}", "Host: h", *([] if keep else ["Connection: close"]),
             f"Authorization: Bearer {cluster.api_key}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def port(cluster, url=None):
    return urllib.parse.urlsplit(url or cluster.url).port


def fetch(cluster, path, *headers, url=None, **how):
    """All bytes of the answer."""
    with raw.dial(port(cluster, url)) as sock:
        sock.sendall(request(cluster, path, *headers, **how))
        heard, end, _ = raw.hear(sock)
    assert end != "SILENCE"
    return heard


def get(cluster, path, *headers, **how):
    return read(fetch(cluster, path, *headers, **how))


def slow_socket(cluster, path, *headers, buffer=1 << 16):
    """The connection of a reader that takes little at a time."""
    sock = raw.dial(port(cluster), buffer=buffer)
    sock.sendall(request(cluster, path, *headers))
    sock.settimeout(raw.PATIENCE_S)
    return sock


class Relay:
    """`with Relay(data) as relay:` a server on relay.url that answers every request with these bytes,
    and hangs up."""

    def __init__(self, data):
        self.data = data

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                with client:
                    client.recv(1 << 16)
                    client.sendall(self.data)

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(20)
