"""tests/run: groups of tests in order, the minutes of each, one summary at the end."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = TESTS.parent
sys.path.insert(0, str(REPOSITORY / "compose" / "lib"))

import cluster as compose  # noqa: E402
import mutants  # noqa: E402
import nodes  # noqa: E402
import postgres  # noqa: E402
import programs  # noqa: E402
import proc  # noqa: E402
from say import Failure, failure  # noqa: E402

BUILD = REPOSITORY / "build-san"

# Seeds of the model: in a whole run, and in model-long.
SEEDS = 200_000
SEEDS_LONG = 10_000_000

# Machines differ in speed: a limit here is for what hangs, not for what is slow.
GROUP_S = 45 * 60


class Run:
    def __init__(self, root):
        self.root = root
        self.results = []  # (name, minutes, passed, closing line)
        self.built = False

    def environment(self, **extra):
        known = {
            "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:halt_on_error=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MILLRACE_TEST_ROOT": self.root,
        }
        return dict(os.environ, LC_ALL="C.UTF-8", **known, **extra)

    def call(self, argv, closing=None, **extra):
        """Run a command, show what it prints, and remember the last line that matches `closing`.
        Raises Failure when it fails."""
        print("+ " + " ".join(map(str, argv)), flush=True)
        said = ""
        with subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              env=self.environment(**extra)) as child:
            try:
                for line in child.stdout:
                    print(line, end="", flush=True)
                    if closing and re.search(closing, line):
                        said = line.strip()
            except BaseException:
                child.send_signal(signal.SIGINT)
                child.wait(120)
                raise
        if child.returncode != 0:
            raise Failure(said or f"{pathlib.Path(str(argv[0])).name} ended with "
                                  f"{child.returncode}")
        return said

    def group(self, name, work, *args):
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        try:
            said, passed = work(*args), True
        except Failure as failed:
            said, passed = failed.what, False
            if failed.log:
                failure("tests/run", failed)
        minutes = (time.monotonic() - began) / 60
        print(f"== {name}: {'passed' if passed else 'FAILED'} in {minutes:.2f} min", flush=True)
        self.results.append((name, minutes, passed, said or ""))

    # The groups.

    def checks(self, only=None):
        scripts = sorted((TESTS / "check").glob("*.sh"))
        bad = []
        for script in scripts:
            if only and script.stem != only:
                continue
            with contextlib.suppress(Failure):
                self.call([script])
                continue
            bad.append(script.stem)
        if bad:
            raise Failure("broken: " + ", ".join(bad))
        return f"{1 if only else len(scripts)} checks"

    def sanitized(self):
        """The build that unit and store tests run on, once a run."""
        if not self.built:
            BUILD.mkdir(exist_ok=True)
            with compose.locked(str(BUILD / ".tests.lock")):
                self.call(["cmake", "-S", REPOSITORY, "-B", BUILD, "-G", "Ninja",
                           "-DSAN=address,undefined", "-DCMAKE_BUILD_TYPE=Debug"])
                self.call(["ninja", "-C", BUILD])
            self.built = True

    def ctest(self, pattern, **extra):
        return self.call(["ctest", "--test-dir", BUILD, "--output-on-failure", "--no-tests=error",
                          "-j", str(os.cpu_count()), "-R", pattern],
                         closing=r"tests passed, \d+ tests? failed out of", **extra)

    def unit(self, pattern=r"^(unit|fuzz)\."):
        self.sanitized()
        return self.ctest(pattern)

    def threads(self):
        """The unit tests under ThreadSanitizer. Not part of a whole run: libraries that are not
        built with it make it say what is not so, now and then."""
        build = REPOSITORY / "build-tsan"
        self.call(["cmake", "-S", REPOSITORY, "-B", build, "-G", "Ninja", "-DSAN=thread",
                   "-DCMAKE_BUILD_TYPE=Debug"])
        self.call(["ninja", "-C", build])
        supp = TESTS / "check" / "tsan.supp"
        return self.call(["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error",
                          "-R", r"^unit\.", "-E", r"^unit\.stack$"],  # of stacks, which are ThreadSanitizer's then
                         closing=r"tests passed, \d+ tests? failed out of",
                         TSAN_OPTIONS=f"suppressions={supp}")

    def store(self, pattern=r"^check\."):
        """Each test program against an empty database of its own, on one private server."""
        self.sanitized()
        listing = subprocess.run(["ctest", "--test-dir", BUILD, "-N", "-R", pattern],
                                 capture_output=True, text=True, check=True).stdout
        names = re.findall(r"Test +#\d+: (\S+)", listing)
        if not names:
            raise Failure(f"no test matches {pattern}")
        failed = []
        with private_server(os.path.join(self.root, "store-tests")) as server:
            for name in names:
                try:
                    self.ctest("^" + re.escape(name) + "$",
                               MILLRACE_TEST_STORE=server.database(name))
                except Failure:
                    failed.append(name)
        if failed:
            raise Failure(f"{len(failed)} of {len(names)} failed: " + ", ".join(failed))
        return f"{len(names)} of {len(names)} test programs passed"

    def release(self):
        place = compose.Cluster(os.path.join(self.root, "release"))
        place.make_folders()
        return "programs in " + programs.build(place)

    def outcomes(self):
        """Every point of a writing job, fifty times: hours. Not part of a whole run, which meets each
        point once."""
        rounds = os.environ.get("MILLRACE_OUTCOME_ROUNDS", "50")
        return self.pytest("tests/cluster/test_outcomes.py", MILLRACE_OUTCOME_ROUNDS=rounds)

    def mutants(self):
        """Plant the breaks that the tests must catch, one at a time. Not part of a whole run."""
        survived = mutants.survivors(self.root)
        if survived:
            raise Failure(f"{len(survived)} of {len(mutants.MUTANTS)} survived: " + ", ".join(survived))
        return f"{len(mutants.MUTANTS)} of {len(mutants.MUTANTS)} mutants caught"

    def pytest(self, *args, **extra):
        return self.call([sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra",
                          "--rootdir", TESTS, "--basetemp", os.path.join(self.root, "pytest"),
                          *args],
                         closing=r"\d+ (passed|failed|errors?|skipped|deselected).* in [\d.]+s", **extra)

    def seeds(self, program, count):
        """Seeds of the model, on all cores; raises when one breaks a claim."""
        cores = os.cpu_count() or 1
        share = -(-count // cores)
        shards = [subprocess.Popen([program, "--seeds", str(1 + core * share), str(share)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env=self.environment())
                  for core in range(cores)]
        try:
            told = [shard.communicate()[0] for shard in shards]
        except BaseException:
            for shard in shards:
                shard.kill()
            raise
        print("\n".join(told), flush=True)
        sums = {}
        for before, what in (("^", "seeds"), ("", "in-doubt commits met"), (r"met \d+, ", "unknown"),
                             ("", "effects lost"), ("", "duplicated")):
            found = re.findall(before + what + r" (\d+)", "\n".join(told), re.M)
            sums[what] = sum(map(int, found))
        said = ", ".join(f"{what} {number}" for what, number in sums.items())
        if any(shard.returncode != 0 for shard in shards) or sums["in-doubt commits met"] == 0:
            raise Failure(said)
        return said

    def model(self):
        """The life cycle as a model: planted breaks must be caught, and then no seed breaks a claim."""
        self.sanitized()
        self.call([BUILD / "model", "--breaks", "300000"])
        return self.seeds(BUILD / "model", SEEDS)

    def model_long(self):
        """Ten million seeds. Not part of a whole run."""
        build = REPOSITORY / "build-model"
        self.call(["cmake", "-S", REPOSITORY, "-B", build, "-G", "Ninja"])
        self.call(["ninja", "-C", build, "model"])
        return self.seeds(build / "model", SEEDS_LONG)

    # Names into groups.

    def all(self):
        self.group("checks", self.checks)
        self.group("unit", self.unit)
        self.group("model", self.model)
        self.group("store", self.store)
        self.group("release", self.release)
        self.group("contract and cluster", self.pytest, "tests/contract", "tests/cluster")

    def one(self, name):
        path = name.split("::")[0]
        if name in ("checks", "unit", "threads", "store", "release", "outcomes", "mutants"):
            self.group(name, getattr(self, name))
        elif name in ("model", "model-long"):
            self.group(name, getattr(self, name.replace("-", "_")))
        elif name in ("contract", "cluster"):
            self.group(name, self.pytest, "tests/" + name)
        elif (TESTS / "check" / (name + ".sh")).exists():
            self.group(name, self.checks, name)
        elif name.startswith(("unit.", "fuzz.", "model.")):
            self.group(name, self.unit, "^" + re.escape(name) + "$")
        elif name.startswith("check."):
            self.group(name, self.store, "^" + re.escape(name) + "$")
        elif os.path.exists(path):
            self.group(name, self.pytest, os.path.abspath(path) + name[len(path):])
        else:
            self.group(name, self.pytest, "tests/contract", "tests/cluster", "-k", name)

    def summary(self):
        print("\n== summary")
        for name, minutes, passed, said in self.results:
            print(f"{name:<22} {minutes:6.2f} min  {'passed' if passed else 'FAILED'}  "
                  f"{said.strip('= ')}")
        bad = [name for name, _, passed, _ in self.results if not passed]
        print("FAILED: " + ", ".join(bad) if bad else "all passed", flush=True)
        closing = self.results[-1][3]
        if "passed" in closing or "failed" in closing:
            print(closing, flush=True)
        return 1 if bad else 0


class private_server:
    """A PostgreSQL server for the length of a `with`, and empty databases in it."""

    def __init__(self, folder):
        self.place = compose.Cluster(folder)
        self.server = postgres.Server(self.place, "store")
        self.state = compose.new_state()
        self.process = None

    def __enter__(self):
        self.place.make_folders()
        self.state["ports"]["store"] = compose.free_port(set())
        self.server.make(self.state["passwords"]["store"])
        self.server.configure(self.state["ports"]["store"], 200)
        self.process = self.server.start()
        self.server.wait_ready(self.process)
        return self

    def __exit__(self, *_):
        self.server.stop(self.process)
        self.place.purge()

    def database(self, name):
        """The superuser's DSN of a new, empty database."""
        parts = nodes.server_parts(self.place, self.state, "store")
        name = re.sub(r"\W", "_", name)
        postgres.psql(parts, f"CREATE DATABASE {name};")
        return " ".join(f"{key}={value}" for key, value in dict(parts, dbname=name).items())


def purge_left(root):
    """Clusters that a test could not take down: it was killed, say."""
    for found in pathlib.Path(root).glob("**/state.json"):
        subprocess.run([REPOSITORY / "compose" / "down", "--purge", "--dir", found.parent],
                       stdin=subprocess.DEVNULL, check=False)
    compose.remove(root)


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    root = tempfile.mkdtemp(prefix="millrace-tests-")
    run = Run(root)
    try:
        for name in sys.argv[1:]:
            run.one(name)
        if not sys.argv[1:]:
            run.all()
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        proc.collect()
        purge_left(root)
    return run.summary()


if __name__ == "__main__":
    sys.exit(main())
