"""Server-sent events of a job's rows, read as they come."""
import json
import socket

import streams


class Events:
    """What comes over one connection, event by event."""

    def __init__(self, cluster, job, *headers, query="format=events"):
        request = streams.request(cluster, f"/api/v1/job/{job}/results?{query}", *headers)
        host, port = cluster.url.removeprefix("http://").split(":")
        self.sock = socket.create_connection((host, int(port)), timeout=30)
        self.sock.sendall(request)
        self.file = self.sock.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.file.readline()
            assert line, head
            head += line
        self.head = head.decode()
        self.waiting = b""
        self.ended = False

    def text(self):
        """Up to the next empty line; None at the stream's end."""
        while b"\n\n" not in self.waiting:
            size = int(self.file.readline(), 16)
            if size == 0:
                self.ended = True
                return None
            self.waiting += self.file.read(size)
            assert self.file.readline() == b"\r\n"
        text, _, self.waiting = self.waiting.partition(b"\n\n")
        return text.decode()

    def __iter__(self):
        while True:
            text = self.text()
            if text is None:
                return
            fields = dict(line.split(": ", 1) for line in text.split("\n") if not line.startswith(":"))
            if "event" in fields:
                yield fields["event"], json.loads(fields["data"]), fields.get("id")

    def close(self):
        self.file.close()
        self.sock.close()


def rows_of(events):
    """All rows, and the events but those of rows."""
    rows, others = [], []
    for name, data, _ in events:
        if name == "schema":
            rows = []
        if name == "rows":
            assert data["offset"] == len(rows)
            rows += data["rows"]
        else:
            others.append((name, data))
    return rows, others
