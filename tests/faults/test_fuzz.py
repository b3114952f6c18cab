"""Damaged recordings, archives, directories, lists, options and results are accepted or refused by name.

Part of the cases runs here always, all of them in the slow tier; see `python tests/faults/fuzz.py --help`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent
sys.path.insert(0, str(FAULTS))

import fuzz  # noqa: E402 (its modules lie beside it)

BAD_WORKER = """
import ctypes, sys, time
sys.path.insert(0, {folder!r})
import fuzz_case, fuzz_families, fuzz_worker
from wespk.core.errors import WespkError

def allocate(size):
    return "accepted"[:0] * len(bytearray(size))

def refuse(error):
    return fuzz_case.attempt(lambda: (_ for _ in ()).throw(error), ["feats.scp"]).refusal

CASES = [
    lambda: "",
    lambda: refuse(WespkError("feats.scp:3: is out of order; sort it")),
    lambda: refuse(WespkError("something is wrong")),
    lambda: [][0],
    lambda: ctypes.string_at(0),
    lambda: time.sleep(60),
    lambda: allocate(300 << 20),
    lambda: allocate(16 << 30),
    lambda: fuzz_case.law(1 + 1 == 3, "one and one is three"),
    lambda: "",
]

def prepare(rng, folder):
    return fuzz_case.Case("base", [], CASES[int(folder.name)])

fuzz_families.FAMILIES = {{"bad": (1, prepare)}}
fuzz_worker.CASE_SECONDS = 4
fuzz_worker.main()
"""


def run_fuzz(*arguments: object, timeout: float) -> str:
    done = subprocess.run(
        [sys.executable, str(FAULTS / "fuzz.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    if os.environ.get("WESPK_REQUIRE_REAL_DATA") == "1":
        assert "material: real recordings of " in done.stdout
    return done.stdout


def test_hundreds_of_damaged_inputs_are_accepted_or_refused_by_name():
    summary = run_fuzz("--cases", 600, "--seed", 1, timeout=120)
    assert "600 cases of seed 1: 0 failed" in summary
    for family in ("audio", "archives", "data", "options", "trials", "corpus", "jobs", "results"):
        assert f"\n{family} " in summary


@pytest.mark.slow
def test_thousands_of_damaged_inputs_are_accepted_or_refused_by_name():
    assert "5000 cases of seed 1: 0 failed" in run_fuzz("--cases", 5000, "--seed", 1, timeout=900)


def test_a_case_is_its_number_whatever_ran_before_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fuzz.fuzz_base.make_base(tmp_path, None)
    forth = fuzz.run_cases(7, range(25), 1)
    back = fuzz.run_cases(7, range(24, -1, -1), 2)[::-1]
    for one, other in zip(forth, back, strict=True):
        for key in ("number", "family", "base", "made", "digest", "refusal", "failure"):
            assert one[key] == other[key], f"case {one['number']}"
    assert len({result["digest"] for result in forth}) == 25


def test_every_way_to_misbehave_is_a_failure_of_its_case_alone(tmp_path, monkeypatch):
    script = tmp_path / "worker.py"
    script.write_text(BAD_WORKER.format(folder=str(FAULTS)))
    monkeypatch.chdir(tmp_path)
    results = fuzz.run_cases(1, range(10), 2, script)
    failures = [result["failure"] for result in results]
    assert failures[0] == failures[1] == failures[9] == ""
    assert results[1]["refusal"] and not results[0]["refusal"]
    assert "names what is wrong" in failures[2]
    assert failures[3].startswith("IndexError at worker.py")
    assert failures[4].startswith("crashed (signal 11)") and "string_at" in failures[4]
    assert failures[5].startswith("hung") and "worker.py" in failures[5]
    assert failures[6].startswith("took ")
    assert failures[7].startswith("MemoryError at worker.py")
    assert failures[8] == "law broken: one and one is three"
    counts = fuzz.table(results, []).splitlines()[-1].split()
    assert counts[:5] == ["all", "10", "2", "1", "7"]  # cases, accepted, rejected, failed
