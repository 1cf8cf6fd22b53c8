"""The budgets of calls, and the client that they are counted with."""

import json
import pathlib
import sys

LIB = pathlib.Path(__file__).resolve().parents[2] / "Scripts/lib"
sys.path.insert(0, str(LIB))

import lockstep  # noqa: E402
import measure_budgets  # noqa: E402

CHECK = "/grpc.health.v1.Health/Check"
BUDGET = {"a call": {"instructions": 1_000, "allocations": 0, "systemCalls": 3}}


def over(**changed):
    counted = {"a call": {**BUDGET["a call"], **changed}}
    return [kind for _, kind, _, _ in measure_budgets.exceeded(counted, BUDGET)]


def test_a_tenth_more_is_let_pass_and_no_more():
    assert over() == []
    assert over(instructions=1_099, systemCalls=3.3) == []
    assert over(instructions=1_101) == ["instructions"]
    assert over(systemCalls=3.5) == ["systemCalls"]


def test_a_new_allocation_a_call_is_over_a_budget_of_none():
    assert over(allocations=1) == ["allocations"]
    assert over(allocations=0.05) == []


def test_each_row_that_is_counted_has_a_budget_of_each_kind():
    budgets = json.loads(measure_budgets.BUDGETS.read_text())["budgets"]
    assert list(budgets) == measure_budgets.ROWS
    assert all(set(budget) == set(measure_budgets.KINDS) for budget in budgets.values())


def test_calls_in_lockstep_are_answered_in_order(shared_server):
    client = lockstep.Lockstep(shared_server.address, CHECK)
    try:
        for count in (1, 32, 100, 1):
            assert client.calls([b""] * count) == [b"\x08\x01"] * count
    finally:
        client.close()


def test_a_refused_call_is_no_answer(shared_server):
    client = lockstep.Lockstep(shared_server.address, "/grpc.health.v1.Health/Nothing")
    try:
        client.calls([b""])
    except AssertionError as error:
        assert "no answer" in str(error)
    else:
        raise AssertionError("a refused call was taken for an answer")
    finally:
        client.close()
