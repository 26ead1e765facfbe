"""HTTP as bytes on a socket: requests that no library would send, answers as they arrive."""
import re
import socket
import struct
import time

PATIENCE_S = 20


def dial(port, buffer=None):
    """A connection; with `buffer`, one that takes no more than about so many bytes unread."""
    sock = socket.socket()
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(PATIENCE_S)
    sock.connect(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def give(sock, data):
    """Send; false when the server has reset the connection meanwhile."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def reset(sock):
    """Hang up with RST, so that what was sent last may never be read."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def half_close(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def hear(sock):
    """All bytes to the end of the connection, how it ended (EOF, RST, or SILENCE: it did not), and
    after how many seconds."""
    began = time.monotonic()
    heard = []
    end = "EOF"
    try:
        while data := sock.recv(1 << 16):
            heard.append(data)
    except ConnectionResetError:
        end = "RST"
    except TimeoutError:
        end = "SILENCE"
    return b"".join(heard), end, time.monotonic() - began


class Answer:
    def __init__(self, status, headers, body, whole):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body
        self.whole = whole  # did all that was announced arrive?

    def __repr__(self):
        return f"{self.status}{'' if self.whole else ' (cut)'} {self.body[:120]!r}"


def answers(data, no_body=False):
    """The answers in a stream of bytes; with `no_body`, the first is one to HEAD."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .+", first)
        assert match and end, f"no answer: {head[:200]!r}"
        headers = {}
        for line in lines:
            name, value = line.split(": ", 1)
            assert name.lower() not in headers, f"{name} twice: {head!r}"
            headers[name.lower()] = value
        status = int(match.group(1))
        body, whole = b"", True
        if status >= 200 and not (no_body and not found):
            body, whole, data = cut_body(headers, data)
        found.append(Answer(status, headers, body, whole))
    return found


def cut_body(headers, data):
    """The body at the beginning of `data`, whether it is whole, and what stands behind it."""
    if headers.get("transfer-encoding") != "chunked":
        size = int(headers["content-length"])
        return data[:size], len(data) >= size, data[size:]
    body = b""
    while True:
        size, end, rest = data.partition(b"\r\n")
        if not end or len(rest) < int(size, 16) + 2:
            return body + rest, False, b""
        size = int(size, 16)
        body, data = body + rest[:size], rest[size + 2:]
        if size == 0:
            return body, True, data
