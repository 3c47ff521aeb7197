import torch
from proofs.benchmark.timing import Plan
from proofs.benchmark.training import Stopwatch


class Slow:
    """Five batches; the first takes 5 s, each other one 1 s."""

    batch_sampler = "its own"

    def __init__(self, now):
        self.now = now

    def __iter__(self):
        for number in range(5):
            self.now[0] += 1.0 if number else 5.0
            yield {"number": number}


def test_a_run_lasts_from_asking_to_the_end_of_its_last_step(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    plan = Plan(torch.device("cpu"))
    watch = Stopwatch(Slow(now), warm_up=1, batches=2, runs=2, plan=plan)
    assert (len(watch), watch.batch_sampler) == (5, "its own")
    seen = []
    for batch in watch:
        seen.append(batch["number"])
        now[0] += 3.0  # the step
    assert seen == [0, 1, 2, 3, 4]
    assert watch.first == 5.0
    assert watch.seconds == [8.0, 8.0]  # twice 1 s of waiting and 3 s of work
    assert watch.waited == [2.0, 2.0]
