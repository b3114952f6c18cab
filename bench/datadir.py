"""How long `wespk validate-data` takes, and how much memory, on a directory of VoxCeleb's size.

    python bench/datadir.py                        # 1.2 million utterances
    python bench/datadir.py --utterances 100000

The directory is made in a temporary folder: wav.scp, utt2spk, spk2utt, utt2dur, utt2num_frames, feats.scp and
text, and spk2gender; with --segments also segments, ten to a recording, and reco2dur. No audio is read. The
verb runs in a process of its own, start-up included.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

UTTS_PER_SPEAKER = 200
LIMIT_SECONDS, LIMIT_GB = 15.0, 1.5
WORDS = "this is what was said in it as far as we know"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, default=1_200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--segments", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        make(data, args.utterances, args.segments)
        size = sum(file.stat().st_size for file in data.iterdir()) / 1e6
        command = [sys.executable, "-m", "wespk", "validate-data", str(data)]
        times = []
        for _ in range(args.runs):
            start = time.perf_counter()
            subprocess.run(command, check=True)
            times.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20)
    print(
        f"{args.utterances} utterances, {size:.0f} MB of tables: median {statistics.median(times):.1f} s of "
        f"{args.runs} runs (limit {LIMIT_SECONDS:g} s), peak {peak:.2f} GB (limit {LIMIT_GB} GB)"
    )


def make(data: Path, utterances: int, segments: bool) -> None:
    """Write the tables."""
    data.mkdir()
    utts, spks = [], []
    for index in range(utterances):
        spk = f"id{index // UTTS_PER_SPEAKER:05d}"
        spks.append(spk)
        utts.append(f"{spk}-5rTz{index % UTTS_PER_SPEAKER:07d}-{index % 40:05d}")
    write(data / "utt2spk", (f"{utt} {spk}\n" for utt, spk in zip(utts, spks, strict=True)))
    starts = range(0, utterances, UTTS_PER_SPEAKER)
    spk2utt = (f"{spks[at]} {' '.join(utts[at : at + UTTS_PER_SPEAKER])}\n" for at in starts)
    write(data / "spk2utt", spk2utt)
    write(data / "spk2gender", (f"{spks[at]} {'mf'[at % 2]}\n" for at in starts))
    if segments:
        recordings = [f"rec{index:08d}" for index in range(-(-utterances // 10))]
        parts = (f"{utt} {recordings[n // 10]} {n % 10}.25 {n % 10 + 1}.5\n" for n, utt in enumerate(utts))
        write(data / "segments", parts)
        write(data / "wav.scp", (f"{name} /corpora/meetings/{name}.flac\n" for name in recordings))
        write(data / "reco2dur", (f"{name} 12.5\n" for name in recordings))
    else:
        write(data / "wav.scp", (f"{utt} /corpora/vox/wav/{utt.replace('-', '/')}.wav\n" for utt in utts))
    write(data / "utt2dur", (f"{utt} {4 + index % 97 / 10:.3f}\n" for index, utt in enumerate(utts)))
    write(data / "utt2num_frames", (f"{utt} {400 + index % 970}\n" for index, utt in enumerate(utts)))
    archives = (f"/exp/data/jobs/feats.{1 + index % 32}.ark:{index * 128_015}" for index in range(utterances))
    write(data / "feats.scp", (f"{utt} {place}\n" for utt, place in zip(utts, archives, strict=True)))
    write(data / "text", (f"{utt} {WORDS}\n" for utt in utts))


def write(path: Path, lines: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(lines)


if __name__ == "__main__":
    main()
