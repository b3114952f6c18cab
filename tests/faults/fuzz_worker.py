"""The process that runs cases: numbers come in, a line a number; a JSON line goes out for each.

It holds itself within limits of memory, of processor time and of the size of files. A call that hangs or
crashes ends it, with the places of its threads on the standard error; the one who started it sees that.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import fuzz_case
import fuzz_families

CASE_SECONDS = 10
MEMORY = 3 << 29  # bytes of address space above what the process has before its first case
FILE_BYTES = 1 << 30


def main() -> None:
    """Read `SEED`, then run each case whose number comes in. The working folder holds `base`."""
    seed = int(sys.argv[1])
    faulthandler.enable()
    fuzz_families.warm_up()
    _limit(resource.RLIMIT_AS, int(_status("VmSize")) + MEMORY)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # decoders print to the standard output what they think of a file
        print(json.dumps({"ready": os.getpid()}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(run_case(seed, int(line))), file=answers, flush=True)


def run_case(seed: int, number: int, keep: Path | None = None) -> dict[str, Any]:
    """Run one case and return what happened. `keep` is a folder for its files, which then stay."""
    folder = keep or Path(f"cases/{number}")
    folder.mkdir(parents=True)
    rng = fuzz_case.generator(seed, number)
    family = fuzz_families.family_of(rng)
    result: dict[str, Any] = {"number": number, "family": family, "failure": ""}
    try:
        case = fuzz_families.FAMILIES[family][1](rng, folder)
        result |= {"base": case.base, "made": list(case.made), "digest": fuzz_case.folder_digest(folder)}
        _begin()
        before, begin = _status("VmRSS"), time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # overflow and the like: nobody meant that
                result["refusal"] = case.check()
        finally:
            faulthandler.cancel_dump_traceback_later()
            result["seconds"] = time.monotonic() - begin
            result["grown"] = max(0, _status("VmHWM") - before)
    except fuzz_case.Broken as error:
        result["failure"] = f"law broken: {error}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        result["failure"] = f"{type(error).__name__} at {where}: {str(error)[:300]}"
    if result["failure"]:
        result["traceback"] = traceback.format_exc()
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _begin() -> None:
    """Start the clocks of a case and forget the peak of memory of those before."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 2 * CASE_SECONDS)
    faulthandler.dump_traceback_later(CASE_SECONDS, exit=True)
    Path("/proc/self/clear_refs").write_text("5")


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def _status(name: str) -> int:
    """Return a size of this process in bytes, as Linux tells it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise OSError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    main()
