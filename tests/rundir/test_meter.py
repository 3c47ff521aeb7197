"""What a loop that waits for its loader is told."""

import pytest

from hrpose.rundir.meter import Meter


def begun_a_minute_ago(workers, cores):
    meter = Meter(workers, cores)
    meter._start -= 60
    return meter


@pytest.mark.parametrize(
    ("workers", "cores", "waited", "words"),
    [
        (4, 16, 0.5, "50% of the time went in waiting for data: data.workers is 4, about 8 would"),
        (0, 16, 0.8, "data.workers is 0, about 4 would keep up, and there are 16 cores"),
        (4, 8, 0.75, "about 16 would keep up, but there are 8 cores for each process: take 7"),
        (1, 1, 0.9, "there are 1 core for each process: take 1, and keep decoded images"),
    ],
)
def test_a_loop_that_waits_says_how_many_workers_would_do(workers, cores, waited, words):
    meter = begun_a_minute_ago(workers, cores)
    assert meter.advice(0.99, on_cpu=False) == "", "workers start"
    assert meter.advice(0.19, on_cpu=False) == ""
    assert words in meter.advice(waited, on_cpu=False)
    assert meter.advice(waited, on_cpu=False) == "", "it is said once"


def test_a_cpu_that_waits_for_itself_is_told_of_the_cache():
    meter = begun_a_minute_ago(0, 2)
    meter.advice(0.5, on_cpu=True)
    assert "2 cores for each process load as well as train" in meter.advice(0.5, on_cpu=True)


def test_a_line_that_came_soon_is_nothing_to_judge_by():
    meter = Meter(4, 16)
    assert [meter.advice(0.9, on_cpu=False) for _ in range(3)] == ["", "", ""]
