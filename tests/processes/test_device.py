"""Memory that is freed and asked for again comes without page faults."""

import subprocess
import sys

import pytest

COUNT = """
import resource
from hrpose.processes.device import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def cost():
    before = faults()
    block = b"x" * (64 << 20)
    return faults() - before

cost()
before = cost()
possible = keep_freed_memory()
cost()
print(before, int(possible), cost())
"""


def test_freed_memory_is_used_again():
    found = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, check=True)
    before, possible, after = map(int, found.stdout.split())
    if not possible:
        pytest.skip("the C library is not glibc")
    assert before > 1000  # 64 MiB in pages of 4 KiB; fewer where the kernel gives larger ones
    assert after < 100
