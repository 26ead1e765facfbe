"""The judge of the death tests must be able to fail: histories with one thing wrong each."""
import pytest

from history import History, Job, judge


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
