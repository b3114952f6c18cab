"""How fast features are computed, each claim beside what it is measured against.

    python bench/features.py                     # the kernels, and compute-fbank on 5 h of 6-s files
    python bench/features.py --hours 0.5         # a shorter look

Kernels: Fbank of 80 bins without dither, one thread, against torchaudio.compliance.kaldi in the same run; the
runs alternate and the ratio is the median of the pairs. Where there is a GPU, the share of its memory
bandwidth that Fbank reaches. Then the verb: wav files in the page cache to a float archive, one process and
two.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch

from wespk.core.torchaudio import import_torchaudio
from wespk.data.datadir import write_data_dir
from wespk.features import Fbank, FbankOptions, FeatureExtractor, FeatureSpec

RATE = 16000
OPTIONS = FbankOptions(dither=0, num_mel_bins=80)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=5.0, help="audio for the verb (5)")
    hours = parser.parse_args().hours
    torch.set_num_threads(1)
    with torch.inference_mode():
        kernels()
        streaming()
        if torch.cuda.is_available():
            gpu()
    verb(hours)


def kernels() -> None:
    reference = import_torchaudio().compliance.kaldi.fbank
    fbank = Fbank(OPTIONS)
    print(f"{'Fbank kernel, 1 thread':28} {'ours':>12} {'torchaudio':>12}  ratio   wanted")
    for name, seconds, runs in (("0.5 s", 0.5, 400), ("6 s", 6, 200), ("10 min", 600, 7)):
        samples = torch.randn(int(seconds * RATE)) * 1000

        def theirs(samples: torch.Tensor = samples) -> torch.Tensor:
            return reference(samples[None], dither=0.0, num_mel_bins=80)

        ours, other, ratio = paired(lambda samples=samples: fbank(samples), theirs, runs)
        wanted = "1.5x" if seconds == 6 else "no cliff"
        print(f"{name:28} {seconds / ours:11.0f}x {seconds / other:11.0f}x  {ratio:4.2f}x   {wanted}")


def paired(one: Callable[[], object], other: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Return the median seconds of both, called in turns, and the median of the ratios other / one."""
    times = np.array([[timed(one), timed(other)] for _ in range(runs + 2)])[2:]
    return (*np.median(times, axis=0), float(np.median(times[:, 1] / times[:, 0])))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def streaming() -> None:
    """An hour in blocks of a second: memory must not grow with the recording."""
    extractor = FeatureExtractor(FeatureSpec(options=OPTIONS))
    block = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    frames = sum(len(features) for features in extractor.stream(block for _ in range(3600)))
    took = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"streamed, 1 h in blocks of 1 s: {frames} frames, {3600 / took:.0f}x, {grown:.0f} MiB more memory")


def gpu() -> None:
    """Bytes that must move (samples in, features out) by the time, as a share of a copy's rate."""
    fbank = Fbank(OPTIONS).cuda()
    samples = torch.randn(512, 3 * RATE, device="cuda") * 1000
    copied = torch.empty(1 << 28, device="cuda")
    seconds = device_time(lambda: fbank(samples))
    rate = 2 * copied.numel() * 4 / device_time(lambda: copied.clone())
    moved = samples.numel() * 4 + len(samples) * OPTIONS.num_frames(samples.shape[1]) * OPTIONS.dim * 4
    audio = samples.numel() / RATE
    print(f"GPU {torch.cuda.get_device_name()}: Fbank of 512 x 3 s at {audio / seconds:.3g}x real time;")
    print(f"  {moved / seconds / 1e9:.0f} GB/s of samples and features, a copy moves {rate / 1e9:.0f} GB/s:")
    share, peak = 100 * moved / seconds / rate, torch.cuda.max_memory_allocated() >> 20
    print(f"  {share:.0f} % of the bandwidth; peak memory {peak} MiB")


def device_time(call: Callable[[], object], runs: int = 20) -> float:
    """Return the median seconds of a call on the GPU."""
    times = []
    for _ in range(runs + 3):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return float(np.median(times[3:]))


def verb(hours: float) -> None:
    """Run compute-fbank, start-up excluded by its own clock, which begins when the jobs do."""
    count = max(2, round(hours * 600))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        random = np.random.default_rng(0)
        wav, utt2spk = {}, {}
        for index in range(count):
            utt = f"s{index % 10}-{index:06d}"
            path = folder / f"{utt}.wav"
            soundfile.write(
                path, (random.normal(0, 0.1, 6 * RATE)).astype(np.float32), RATE, subtype="PCM_16"
            )
            wav[utt], utt2spk[utt] = str(path), f"s{index % 10}"
        print(
            f"compute-fbank, {hours:g} h of 6-s wav files to a float archive, dither 0 (wanted: 3000x a core)"
        )
        rates = []
        for jobs in (1, 2, 1, 2):
            data = folder / f"data{len(rates)}"
            write_data_dir(data, wav, utt2spk)
            command = [sys.executable, "-m", "wespk", "compute-fbank", "--nj", str(jobs), "--dither", "0"]
            done = subprocess.run(
                [*command, "--num-mel-bins", "80", str(data)], check=True, capture_output=True, text=True
            )
            found = [int(rate) for rate in re.findall(r"(\d+) x real time", done.stdout)]
            rates.append(sum(found))
            print(f"  --nj {jobs}: {' + '.join(map(str, found))} x real time")
        print(f"  --nj 2 over --nj 1: {(rates[1] + rates[3]) / (rates[0] + rates[2]):.2f}x")


if __name__ == "__main__":
    main()
