"""The first job, over HTTP with curl, and what to go on with."""
import json
import shlex
import subprocess

import proc
from say import Failure, line

SQL = ("SELECT section, count(*) AS packages, (sum(installed_size) / 1024)::bigint AS installed_mib "
       "FROM packages GROUP BY section ORDER BY packages DESC, installed_mib DESC LIMIT 10")


def curl(key, *argv):
    return ["curl", "-sS", "-H", f"Authorization: Bearer {key}", *argv]


def shown(argv):
    return " ".join(shlex.quote(word) for word in argv)


def ask(argv):
    """Run curl; returns the JSON body."""
    done = subprocess.run(argv + ["-w", "\n%{http_code}"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=proc.environment(), timeout=90, check=False)
    body, _, status = done.stdout.rpartition("\n")
    if done.returncode != 0:
        raise Failure(f"the first job: {done.stderr.strip()}")
    if status != "200":
        raise Failure(f"the first job: {argv[-1]} answered {status}: {body.strip()}")
    return json.loads(body)


def submit_argv(key, url, sql):
    return curl(key, "-H", "Content-Type: application/json", "-d", json.dumps({"sql": sql}),
                f"{url}/api/v1/job")


def run(url, key):
    """Submit, wait, and fetch. Returns (the id, the answer of results)."""
    job = ask(submit_argv(key, url, SQL))["id"]
    status = ask(curl(key, f"{url}/api/v1/job/{job}?wait=30"))
    if status["jobState"] != "COMPLETED":
        raise Failure(f"the first job is {status['jobState']}: {json.dumps(status)}")
    return job, ask(curl(key, f"{url}/api/v1/job/{job}/results"))


def table(results):
    columns = [column["name"] for column in results["schema"]]
    cells = [columns] + [["" if row[name] is None else str(row[name]) for name in columns]
                         for row in results["rows"]]
    numbers = [all(cell[at].lstrip("-").replace(".", "", 1).isdigit() for cell in cells[1:])
               for at in range(len(columns))]
    widths = [max(len(cell[at]) for cell in cells) for at in range(len(columns))]
    lines = ["  ".join(text.rjust(width) if number else text.ljust(width)
                       for text, width, number in zip(row, widths, numbers)).rstrip()
             for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def show(url, key, job, results):
    line()
    line("The first job: " + shown(submit_argv(key, url, SQL)))
    line()
    for one in table(results):
        line("  " + one)
    line()
    hints(url, key, job)


def hints(url, key, job):
    example = "SELECT package, installed_size FROM packages ORDER BY installed_size DESC NULLS LAST"
    if not job:
        job, example = "ID", "SELECT 1 AS one"
    line(f"URL  {url}")
    line(f"Key  {key}")
    line("Go on with:")
    line("  " + shown(submit_argv(key, url, example)))
    line("  " + shown(curl(key, f"{url}/api/v1/job/{job}?wait=10")))
    line("  " + shown(curl(key, f"{url}/api/v1/job/{job}/results?limit=5")))
