"""Small jobs: how many a second, how soon, and what their status costs."""
import ceilings
import parts
from calls import submit, wait_done
from figures import Pair, note, show_parts, spread


def against_lives(mode):
    def run(world, measure, name):
        pair, meters, said = Pair("L1"), [], []
        for _ in range(world.options.rounds):
            world.settle()
            ceiling = ceilings.life(world, 16, world.options.seconds)
            world.settle()
            with parts.Meter(world.nodes()) as meter:
                said.append(world.load(mode, 64))
            meters.append(meter)
            pair.add(ceiling, said[-1]["rate"])
        pair.show(name, measure.unit, measure.target)
        note(f"latency p50 {spread([one['p50'] for one in said])} ms, "
             f"p99 {spread([one['p99'] for one in said])} ms")
        show_parts(meters, [one["total"] for one in said], [parts.client_use(one) for one in said],
                   "us a job", 1e-3)
    return run


def sync(world, measure, name):
    pair, tail = Pair("a life of L1, 1 client"), []
    for _ in range(world.options.rounds):
        world.settle()
        ceiling = 1000 / ceilings.life(world, 1, world.options.seconds)
        world.settle()
        said = world.load("query", 1)
        pair.add(ceiling, said["p50"])
        tail.append(said["p99"])
    pair.show(name, measure.unit, measure.target)
    note(f"p99 {spread(tail)} ms")


def status(world, measure, name):
    job = submit(world, "SELECT 1")
    wait_done(world, job)
    pair = Pair("civetweb's constant")
    with ceilings.constant(world) as url:
        for _ in range(world.options.rounds):
            ceiling = world.load("get", 32, urls=[url])["rate"]
            said = world.load("get", 32, "-p", f"/api/v1/job/{job}", "-e", '"COMPLETED"')
            pair.add(ceiling, said["rate"])
    pair.show(name, measure.unit, measure.target)
