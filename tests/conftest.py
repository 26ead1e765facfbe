"""What contract and cluster tests share: clusters of real processes, made by compose/up."""
import collections
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from handle import Handle  # noqa: E402

LOG_LINES = 15


@pytest.fixture(scope="session")
def cluster():
    """One cluster for all tests that leave it as they found it: 2 API nodes, 1 broker, 2 executors,
    tenants `demo` and `other`."""
    handle = Handle()
    try:
        handle.up()
        yield handle
    finally:
        handle.purge()


def make_clusters():
    made = []

    def make(*options):
        made.append(Handle())
        made[-1].up(*options)
        return made[-1]

    yield make
    for handle in made:
        handle.purge()


@pytest.fixture
def cluster_factory():
    """cluster_factory(options of compose/up...) makes a cluster for one test."""
    yield from make_clusters()


@pytest.fixture(scope="module")
def module_cluster():
    """The same for all tests of a file, which leave it as they found it."""
    yield from make_clusters()


@pytest.fixture
def fresh_cluster(cluster_factory):
    return cluster_factory()


# A failed test shows the ends of its nodes' logs.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for handle in Handle.running:
            for node, lines in handle.log_tails(LOG_LINES):
                report.sections.append((f"log of {node}", "\n".join(lines)))


minutes = collections.Counter()


def pytest_runtest_logreport(report):
    minutes[pathlib.Path(report.nodeid.split("::")[0]).parent.name] += report.duration / 60


def pytest_terminal_summary(terminalreporter):
    for folder, spent in minutes.items():
        terminalreporter.write_line(f"{folder}: {spent:.2f} min")
