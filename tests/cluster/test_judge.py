"""The judge of the death tests must be able to fail: histories with one thing wrong each."""
import pytest

from history import History, Job, judge
from victims import judge as judge_effects


def made_up(**changes):
    """A history of one write that went well, with something changed."""
    history = History()
    history.jobs = [Job(0, writes=True, id="a", states=["done"], attempt=1, nonces={"x"}, seen={"u"},
                        read={"u"})]
    for name, value in changes.items():
        setattr(history.jobs[0], name, value)
    return history


def broken(history, effects):
    return {name for name, count in judge(history, effects, ["u"]).counts().items() if count}


@pytest.mark.parametrize("changes, effects, breach", [
    ({}, {0: 1}, set()),
    ({"states": ["unknown"], "read": set()}, {0: 1}, set()),
    ({"states": ["unknown"], "read": set()}, {}, set()),
    ({"id": None, "states": []}, {0: 1}, set()),
    ({"missing": True}, {0: 1}, {"lost"}),
    ({"read": set()}, {0: 1}, {"lost"}),
    ({}, {}, {"lost"}),
    ({}, {0: 2}, {"duplicated"}),
    ({"id": None, "states": []}, {0: 2}, {"duplicated"}),
    ({"states": ["unknown"], "read": set()}, {0: 2}, {"duplicated"}),
    ({"nonces": {"x", "y"}}, {0: 1}, {"mixed"}),
    ({"torn": "short"}, {0: 1}, {"mixed"}),
    ({"states": [], "read": set()}, {0: 1}, {"stuck"}),
    ({"states": ["failed"], "read": set()}, {0: 1}, {"wrong"}),
    ({"states": ["done", "failed"]}, {0: 1}, {"wrong"}),
    ({"states": ["unknown"], "read": set(), "writes": False}, {}, {"wrong"}),
    ({}, {0: 1, 7: 1}, {"wrong"}),
])
def test_the_judge_sees_a_forged_history(changes, effects, breach):
    assert broken(made_up(**changes), effects) == breach


def test_the_judge_sees_a_job_that_only_the_store_knows_and_that_never_ends():
    assert judge(made_up(), {0: 1}, ["u"], ["b"]).stuck


@pytest.mark.parametrize("answers, torn", [
    ([(0, 2, 3, False), (2, 1, 3, True)], False),
    ([(0, 1, 3, False), (2, 1, 3, True)], True),  # a page that is short in the middle
    ([(0, 2, 2, True)], True),
    ([(0, 2, 3, True)], True),
    ([(0, 2, 3, False), (2, 1, 3, False)], True),
])
def test_the_judge_sees_a_result_that_is_not_whole(answers, torn):
    job = Job(0, rows=3)
    for offset, count, rows, complete in answers:
        job.take_rows([{"i": offset + k, "nonce": "x"} for k in range(count)], offset, 2, rows, complete)
    assert bool(job.torn) == torn


@pytest.mark.parametrize("state, count, breach", [
    ("done", 1, None), ("unknown", 0, None), ("unknown", 1, None), ("failed", 0, None),
    ("skipped", 0, None), ("cancelled", 0, None),
    ("done", 0, "lost"), ("done", 2, "duplicated"), ("unknown", 2, "duplicated"),
    ("failed", 1, "untold"), ("cancelled", 1, "untold"), ("timed_out", 1, "untold"),
    ("skipped", 1, "untold"),
])
def test_effects_are_judged_step_by_step(state, count, breach):
    said = {"id": "a", "state": "failed",
            "steps": [{"step": 0, "state": "done"}, {"step": 1, "state": state}]}
    wrong = judge_effects({7: said}, {(7, 0): 1, (7, 1): count})
    assert [each.split(":")[0] for each in wrong] == ([breach] if breach else [])


def test_a_job_that_is_gone_is_lost():
    assert judge_effects({7: None}, {}) == ["lost: job 7 is gone"]
