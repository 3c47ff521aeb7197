import torch
from proofs.benchmark.timing import Plan, alternate


def test_works_take_turns_after_their_warm_up(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    order = []

    def work(name, seconds):
        order.append(name)
        now[0] += seconds if len(order) > 2 else 100  # first calls of all are slow

    plan = Plan(torch.device("cpu"), repeats=2, seconds=1.0)
    works = {"a": lambda: work("a", 0.25), "b": lambda: work("b", 2.0)}
    order += ["x", "x"]
    taken = alternate(works, plan, "")
    assert taken == {"a": [0.25, 0.25], "b": [2.0, 2.0]}
    # a: first call, four calls that fill a second; b: first call, one that fills it; then in turns
    turns = ["a"] * 4 + ["b"]
    assert order[2:] == ["a", *["a"] * 4, "b", "b", *turns, *turns]
