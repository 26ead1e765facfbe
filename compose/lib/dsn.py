"""libpq connection strings, both forms, taken apart and put together."""
import re
from urllib.parse import parse_qsl, quote, unquote

from say import Failure

_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s+|$)", re.S)


def parse(text):
    """A keyword string or a URI as a dict of libpq's keywords."""
    if re.match(r"postgres(ql)?://", text):
        return _parse_uri(text)
    parts, at = {}, 0
    text = text.strip()
    while at < len(text):
        pair = _PAIR.match(text, at)
        if not pair:
            raise Failure("a DSN must be keyword=value pairs or a postgresql:// URI")
        value = pair.group(2) if pair.group(2) is not None else pair.group(3)
        parts[pair.group(1)] = re.sub(r"\\(.)", r"\1", value, flags=re.S)
        at = pair.end()
    return parts


def _parse_uri(text):
    body = text.split("://", 1)[1]
    body, _, query = body.partition("?")
    where, _, name = body.partition("/")
    who, at, where = where.rpartition("@")
    parts = {}
    if at:
        user, colon, password = who.partition(":")
        parts["user"] = unquote(user)
        if colon:
            parts["password"] = unquote(password)
    hosts, ports = [], []
    for one in where.split(",") if where else []:
        match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", one)
        if not match:
            raise Failure("a DSN's host must be host or host:port")
        hosts.append(unquote(match.group(1).strip("[]")))
        ports.append(match.group(2) or "")
    if any(hosts):
        parts["host"] = ",".join(hosts)
    if any(ports):
        parts["port"] = ",".join(ports)
    if name:
        parts["dbname"] = unquote(name)
    parts.update(parse_qsl(query, keep_blank_values=True))
    return parts


def keywords(parts):
    """The keyword form, every value quoted where it must be."""
    def value(text):
        text = str(text)
        if text and re.fullmatch(r"[^\s'\\]+", text):
            return text
        return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"
    return " ".join(f"{key}={value(parts[key])}" for key in parts)


def uri(user, password, host, port, dbname):
    return (f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}"
            f"@{host}:{port}/{quote(dbname, safe='')}")
