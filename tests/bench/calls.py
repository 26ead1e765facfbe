"""Jobs over HTTP, as a plain client: submit, wait, look at the status."""
import http.client
import json
import re
import time
from urllib.parse import urlsplit

from figures import Unfit

FINAL_S = 600


def call(world, method, path, body=None):
    where = urlsplit(world.info["url"])
    caller = http.client.HTTPConnection(where.hostname, where.port, timeout=90)
    try:
        caller.request(method, path, body, {"Authorization": "Bearer " + world.info["api_key"]})
        reply = caller.getresponse()
        text = reply.read().decode()
    finally:
        caller.close()
    if reply.status != 200:
        raise Unfit(f"{method} {path}: {reply.status} {text[:200]}")
    return text


def submit(world, sql):
    text = call(world, "POST", "/api/v1/job", json.dumps({"sql": sql}))
    return re.search(r'"id":"([^"]+)"', text).group(1)


def wait_over(world, job, wait="60", each=lambda: None):
    """Until the job is final; its status."""
    until = time.monotonic() + FINAL_S
    while time.monotonic() < until:
        said = json.loads(call(world, "GET", f"/api/v1/job/{job}?wait={wait}"))
        each()
        if said["jobState"] in ("COMPLETED", "FAILED"):
            return said
    raise Unfit(f"the job did not end within {FINAL_S} s")


def wait_done(world, job, wait="60", each=lambda: None):
    said = wait_over(world, job, wait, each)
    if said["jobState"] == "FAILED":
        raise Unfit(f"the job failed: {said}")
    return said


def run_all(world, texts):
    """Jobs at once; their ids when all are done."""
    jobs = [submit(world, sql) for sql in texts]
    for job in jobs:
        wait_done(world, job)
    return jobs


def stats(world, job):
    """Of its results, as the first page of them says."""
    return json.loads(call(world, "GET", f"/api/v1/job/{job}/results?limit=1"))["stats"]
