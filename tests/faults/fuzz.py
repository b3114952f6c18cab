"""Run damaged input through the library, thousands of cases, each known by its number.

Usage:   python tests/faults/fuzz.py [--cases 5000] [--seed 1] [--family NAME] [--workers 2] [--json FILE]
         python tests/faults/fuzz.py --seed 1 --only N [--keep DIR]
Example: WESPK_REAL_DATA=/corpora python tests/faults/fuzz.py --cases 5000

Case N is a function of the seed, N and the material that is damaged: real recordings of the folder in
WESPK_REAL_DATA where it is set, made-up voices otherwise. Each case is accepted, and then keeps the laws of
what was read, or is refused by one line that names what is wrong. A crash, a hang, another exception, more
memory than a case may take, or a broken law is a failure: the table names its number, and the status is 1.
--only runs one case in this process and shows its traceback; --keep leaves its files in DIR.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import fuzz_base  # noqa: E402 (wespk of this checkout, installed or not)
import fuzz_case  # noqa: E402
import fuzz_families  # noqa: E402
import fuzz_worker  # noqa: E402
from fuzz_process import WORKER, Result, WorkerProcess  # noqa: E402
from fuzz_table import table  # noqa: E402

MOST_GROWTH = 256 << 20  # bytes that a case may take


def main() -> int:
    """Run what is asked for, print the table, and return the status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", choices=list(fuzz_families.FAMILIES))
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="file for every case's result, a line each")
    parser.add_argument("--only", type=int, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    args = parser.parse_args()
    for name in ("json", "keep"):
        setattr(args, name, getattr(args, name) and getattr(args, name).absolute())
    real = os.environ.get("WESPK_REAL_DATA")
    material = Path(real).absolute() if real and Path(real).is_dir() else None
    with tempfile.TemporaryDirectory(prefix="wespk-fuzz-") as name:
        os.chdir(name)  # all paths in the material are relative to it
        told = fuzz_base.make_base(Path(name), material)
        print(f"material: {told}; digest {fuzz_case.folder_digest(Path('base'))}", flush=True)
        try:
            if args.only is not None:
                return show_case(args.seed, args.only, args.keep or Path("cases"))
            numbers = [n for n in range(args.cases) if args.family in (None, _family(args.seed, n))]
            results = run_cases(args.seed, numbers, args.workers)
        finally:
            os.chdir("/")
    if args.json:
        args.json.write_text("".join(json.dumps(result) + "\n" for result in results))
    print(table(results, list(fuzz_families.FAMILIES)))
    failed = [result for result in results if result["failure"]]
    for result in failed:
        where = f"case {result['number']} ({result['family']}, {result.get('base', 'base unknown')})"
        print(f"FAILED {where}: {result['failure']}")
    print(f"{len(results)} cases of seed {args.seed}: {len(failed)} failed")
    return 1 if failed or not results else 0


def run_cases(seed: int, numbers: Sequence[int], workers: int, script: Path = WORKER) -> list[Result]:
    """Run cases in processes side by side; return the results in the order of the numbers."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    results: dict[int, Result] = {}
    threads = [threading.Thread(target=_serve, args=(seed, waiting, results, script)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    missing = [number for number in numbers if number not in results]
    if missing:
        raise RuntimeError(f"{len(missing)} cases were not run, {missing[0]} the first; see the errors above")
    return [results[number] for number in numbers]


def show_case(seed: int, number: int, folder: Path) -> int:
    """Run one case in this process and say all about it."""
    fuzz_families.warm_up()
    result = fuzz_worker.run_case(seed, number, folder / str(number))
    trace = result.pop("traceback", "")
    print(json.dumps(result, indent=2) + ("\n" + trace if trace else ""))
    return 1 if result["failure"] else 0


def _serve(seed: int, waiting: queue.SimpleQueue[int], results: dict[int, Result], script: Path) -> None:
    """Keep one worker process busy, and start another when it ends."""
    worker = None
    try:
        while True:
            number = waiting.get_nowait()
            worker = worker or WorkerProcess(seed, ROOT, script)
            result = worker.run(number)
            if result is None:
                result = _failure(seed, number, worker.last_words())
                worker = None
            elif result.get("grown", 0) > MOST_GROWTH and not result["failure"]:
                result["failure"] = f"took {result['grown'] >> 20} MB"
            results[number] = result
    except queue.Empty:
        pass
    finally:
        if worker:
            worker.close()


def _failure(seed: int, number: int, what: str) -> Result:
    return {"number": number, "family": _family(seed, number), "failure": what}


def _family(seed: int, number: int) -> str:
    return fuzz_families.family_of(fuzz_case.generator(seed, number))


if __name__ == "__main__":
    sys.exit(main())
