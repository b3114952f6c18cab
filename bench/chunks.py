"""How fast random chunks of archived features are read, beside kaldiio; what a large archive costs at start.

    OMP_NUM_THREADS=1 python bench/chunks.py [FOLDER]

Chunks of 200 frames at random places of random 800 x 80 matrices are copied into a batch of 64, which is part
of the time. Both sides read the same chunks, in turns; a row shows the medians of the runs and the median
ratio of the pairs. kaldiio reads with the slice in the location (`ark:offset[first:last]`). "hot" is an
archive of 16 matrices, which the processor's caches hold; "cold" one of 1000, which are in the page cache
only; in "open" kaldiio keeps the file open (its `fd_dict`). FOLDER, by default the folder for temporary
files, needs 0.6 GB.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kaldiio
import numpy as np

from wespk.data.archives import write_archive
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import read_table

HOT, COLD, ROWS, COLUMNS = 16, 1000, 800, 80
FRAMES, BATCH, CHUNKS, RUNS = 200, 64, 640, 11
WANTED = {"none": 3.0, "speech-feature": 15.0}  # how many times faster than kaldiio, by the project's aim
LARGE = 5 << 30  # bytes

Read = Callable[[int, int], np.ndarray]


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{'archive':30}{'kaldiio':>10}{'wespk':>10}{'ratio':>8}{'wanted':>8}")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for method in ("none", "speech-feature", "two-byte-auto", "one-byte-auto"):
            _compare(Path(place), method)
        _large_archive(Path(place))


def _compare(place: Path, method: str) -> None:
    ark, scp = place / "feats.ark", place / "feats.scp"
    write_archive(ark, scp, _made_up(), method)
    locations = read_table(scp)
    matrices, texts = MappedMatrices(locations), list(locations.values())
    kept_open: dict[str, object] = {}

    def ours(index: int, first: int) -> np.ndarray:
        return matrices.read(index, first, first + FRAMES)

    def opening(index: int, first: int) -> np.ndarray:
        return kaldiio.load_mat(f"{texts[index]}[{first}:{first + FRAMES - 1}]")

    def open_already(index: int, first: int) -> np.ndarray:
        return kaldiio.load_mat(f"{texts[index]}[{first}:{first + FRAMES - 1}]", fd_dict=kept_open)

    for name, theirs, count in (
        ("hot", opening, HOT),
        ("cold", opening, COLD),
        ("cold, open", open_already, COLD),
    ):
        pairs = [_pair(theirs, ours, count, seed) for seed in range(RUNS)]
        ratio = statistics.median(rival / own for rival, own in pairs)
        rival, own = (statistics.median(side) for side in zip(*pairs, strict=True))
        wanted = f"{WANTED[method]:.0f}" if method in WANTED else "-"
        print(f"{method + ', ' + name:30}{rival:7.1f} us{own:7.1f} us{ratio:8.1f}{wanted:>8}", flush=True)


def _pair(theirs: Read, ours: Read, count: int, seed: int) -> tuple[float, float]:
    """Return microseconds a chunk of both sides; each goes first in every other run."""
    order = [theirs, ours] if seed % 2 else [ours, theirs]
    times = {read: _time(read, count, seed) for read in order}
    return times[theirs], times[ours]


def _time(read: Read, count: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, count, CHUNKS).tolist()
    firsts = rng.integers(0, ROWS - FRAMES + 1, CHUNKS).tolist()
    batch = np.empty((BATCH, FRAMES, COLUMNS), dtype=np.float32)
    start = time.perf_counter()
    for number, (index, first) in enumerate(zip(indices, firsts, strict=True)):
        batch[number % BATCH] = read(index, first)
    return (time.perf_counter() - start) / CHUNKS * 1e6


def _made_up() -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    for index in range(COLD):
        yield f"utt{index:05d}", rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)


def _large_archive(place: Path) -> None:
    """Time the first chunk of a 5 GB archive, most of which is a hole that takes no room on the disk."""
    ark, scp = place / "large.ark", place / "large.scp"
    write_archive(ark, scp, [("utt", np.ones((ROWS, COLUMNS), dtype=np.float32))])
    entry = ark.read_bytes()
    with open(ark, "r+b") as stream:
        stream.seek(LARGE - len(entry))
        stream.write(entry)
    start = time.perf_counter()
    matrices = MappedMatrices({"utt": f"{ark}:{LARGE - len(entry) + len('utt ')}"})
    chunk = matrices.read(0, 100, 100 + FRAMES).copy()
    seconds = time.perf_counter() - start
    assert (chunk == 1).all()
    size = ark.stat().st_size / 1e9
    print(f"first chunk of a {size:.1f} GB archive, opening included: {seconds * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
