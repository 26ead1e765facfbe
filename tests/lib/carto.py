"""CARTO's API as its clients call it: as one user, by the name of the host that they ask."""
import time

import requests

JOB = "/api/v2/sql/job"
FINAL = ("done", "failed", "cancelled", "unknown")
WAIT_S = 20


class Carto:
    """One user. `key` is sent in the query; None: no key is."""

    def __init__(self, cluster, user="demo", key="", url=None):
        self.http = requests.Session()
        self.url = url or cluster.url
        self.user = user
        self.host = f"{user}.localhost"
        self.key = {"demo": cluster.api_key, "other": cluster.other_key}.get(user) if key == "" else key

    def call(self, method, path, **more):
        """One request. `params` that are a dict get the key; a text is the whole query."""
        params = more.pop("params", {})
        if isinstance(params, dict) and self.key is not None:
            params = {"api_key": self.key, **params}
        headers = {"Host": self.host, **more.pop("headers", {})}
        return self.http.request(method, self.url + path, params=params, headers=headers,
                                 timeout=75, **more)

    # Jobs.

    def post(self, query, **more):
        return self.call("POST", JOB, json={"query": query}, **more)

    def create(self, query):
        """The id of a new job."""
        answer = self.post(query)
        assert answer.status_code == 201, answer.text
        return answer.json()["job_id"]

    def job(self, method, job, **more):
        return self.call(method, f"{JOB}/{job}", **more)

    def read(self, job):
        answer = self.job("GET", job)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def cancel(self, job):
        answer = self.job("DELETE", job)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, job, fits, seconds=WAIT_S):
        """The job's document once it fits."""
        deadline = time.monotonic() + seconds
        while True:
            document = self.read(job)
            if fits(document):
                return document
            assert time.monotonic() < deadline, f"not so after {seconds} s: {document}"
            time.sleep(0.02)

    def running(self, job):
        return self.until(job, lambda document: document["status"] == "running")

    def over(self, job):
        """Once it is final, and what follows it too."""
        return self.until(job, lambda document: document["status"] in FINAL and
                          document.get("fallback_status") not in ("pending", "running"))

    def run(self, query):
        return self.over(self.create(query))

    # The synchronous API.

    def sql(self, q, **params):
        return self.call("GET", "/api/v2/sql", params={"q": q, **params})

    def rows(self, q, **params):
        answer = self.sql(q, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]


def refused(answer, status, *texts, **beside):
    """Is it an error in CARTO's words, all of them?"""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.json() == {"error": list(texts), **beside}, answer.text
    return answer
