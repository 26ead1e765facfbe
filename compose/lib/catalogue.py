"""The sample data: this machine's catalogue of Debian packages, as table catalogue.packages."""
import os
import re
import subprocess

import proc
from nodes import server_parts
from postgres import psql
from say import Failure

APT_ENDS_S = 60
FEW = 1000  # fewer entries than this, and the package lists were never fetched

FIELDS = ("Package", "Version", "Section", "Installed-Size", "Maintainer", "Depends", "Description")

TABLE_SQL = """
BEGIN;
DROP TABLE IF EXISTS catalogue.packages;
CREATE TABLE catalogue.packages (
    package        text NOT NULL,
    version        text NOT NULL,
    section        text,
    installed_size bigint, -- KiB
    maintainer     text,
    depends        text,
    description    text,
    PRIMARY KEY (package, version)
);
GRANT SELECT ON catalogue.packages TO PUBLIC;
"""

COPY_SQL = "COPY catalogue.packages FROM STDIN;\n"

# After the data: psql reads on behind the end-of-data mark.
END_SQL = "\\.\nCOMMIT;\nANALYZE catalogue.packages;\n"


def read(cluster):
    """The rows, as COPY's text format, and how many. Fetches the package lists if there are none."""
    text = dump()
    if text.count("\nPackage: ") < FEW:
        fetch(cluster)
        text = dump()
    if text.count("\nPackage: ") < FEW:
        with open("/var/lib/dpkg/status", encoding="utf-8", errors="replace") as file:
            text += "\n" + file.read()
    return rows(text)


def dump():
    done = proc.run(["apt-cache", "dumpavail"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env=proc.environment())
    return done.stdout.decode("utf-8", "replace")


def fetch(cluster):
    """apt-get update. Its failure is no failure of ours: dpkg's own list serves too."""
    install = os.path.join(os.path.dirname(os.path.abspath(__file__)), "install.sh")
    with open(cluster.log("packages"), "ab") as out:
        proc.run([install, "--update"], stdout=out, stderr=out, patience=APT_ENDS_S)


def rows(text):
    field = re.compile(r"^(" + "|".join(FIELDS) + r"): *(.*(?:\n[ \t].*)*)", re.M)
    found = {}
    for stanza in text.split("\n\n"):
        values = dict(field.findall(stanza))
        if "Package" in values and "Version" in values:
            found.setdefault((values["Package"], values["Version"]), values)
    lines = ["\t".join(cell(name, values.get(name)) for name in FIELDS) + "\n"
             for values in found.values()]
    return "".join(lines).encode(), len(lines)


def cell(name, value):
    if value is None or (name == "Installed-Size" and not value.isdigit()):
        return "\\N"
    if name == "Description":
        value = value.split("\n", 1)[0]
    value = value.replace("\0", "")
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def load(cluster, state, read_work):
    """Copy the rows in. Returns how many there are."""
    data, count = read_work.result()
    if not count:
        raise Failure("no Debian package was found to fill the sample table with")
    psql(server_parts(cluster, state, "source", "demo"), TABLE_SQL + COPY_SQL,
         data + END_SQL.encode())
    return count
