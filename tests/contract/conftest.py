"""The users whom the tests of CARTO's API ask as."""
import pytest
from carto import JOB, Carto


@pytest.fixture(scope="module")
def demo(cluster):
    return Carto(cluster)


@pytest.fixture(scope="module")
def other(cluster):
    return Carto(cluster, "other")


@pytest.fixture
def blocked(demo):
    """The id of a job that runs; while it does, the user's other jobs wait."""
    job = demo.create("SELECT pg_sleep(300)")
    demo.running(job)
    yield job
    for one in reversed(demo.call("GET", JOB).json()):
        if one["status"] in ("pending", "running"):
            demo.cancel(one["job_id"])
