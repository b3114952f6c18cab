#!/usr/bin/env python3
"""Make the mini corpus: made-up speakers who read made-up sentences, in English and Mandarin.

Usage:   python local/make_corpus.py --out corpus [--num_train 64] [--num_dev 12] [--num_test 24] [--nj 2]
Example: python local/make_corpus.py --out corpus --seed 1 --nj 2

Writes wav/<spk>/<utt>.wav (16 kHz, 16 bit), utterances.tsv and, last of all, manifest.json. Each speaker
has a voice, four recording sessions (channel, noise, level, rate, pitch) and sentences of two to four
seconds. Equal options give equal bytes, whatever --nj is; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from channels import SAMPLE_RATE, record
from espeak import Espeak, espeak_package, espeak_with_voices, read_aloud
from plan import SETS, Options, Speaker, make_plan

from wespk.core.errors import WespkError
from wespk.core.files import digest, file_digest, read_json, read_text, write_json, write_text
from wespk.core.progress import say, track
from wespk.core.script import doc_parser, errors_for_people

LOCAL = Path(__file__).resolve().parent
MAKERS = ("make_corpus.py", "plan.py", "voices.py", "sentences.py", "channels.py", "espeak.py", "speak.py")
TABLE = "utterances.tsv"
MANIFEST, STARTED = "manifest.json", "started.json"  # complete / under way
HELP = {
    "num_train": "training speakers",
    "num_dev": "development speakers",
    "num_test": "test speakers",
    "train_utts": "utterances of a training speaker",
    "eval_utts": "utterances of a development or test speaker",
    "seed": "another seed makes other speakers and sentences",
}
COLUMNS = ("utt", "spk", "set", "gender", "session", "language", "path", "text")


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus")
    for field in dataclasses.fields(Options):
        what = f"{HELP[field.name]} ({field.default})"
        parser.add_argument(f"--{field.name}", type=_whole, default=field.default, help=what)
    parser.add_argument("--nj", type=_whole, default=os.cpu_count() or 1, help="voices made side by side")
    arguments = parser.parse_args()
    options = Options(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Options)})
    with errors_for_people():
        make_corpus(arguments.out, options, arguments.nj)


def make_corpus(out: Path, options: Options, nj: int) -> None:
    """Make what is missing of the corpus in `out`; replace a corpus made with other options."""
    start = time.monotonic()
    package = espeak_package()
    identity = {
        "options": dataclasses.asdict(options),
        "espeakng_loader": metadata.version("espeakng_loader"),
        "makers": digest(*((LOCAL / name).read_bytes() for name in MAKERS)),
    }
    plan = make_plan(options)
    finished = _take_over(out, identity, plan)
    missing = [speaker for speaker in plan if speaker.spk not in finished]
    table = _table(plan)
    if not missing and (out / MANIFEST).exists() and read_text(out / TABLE) == table:
        (out / STARTED).unlink(missing_ok=True)
        say(f"{out}: complete already ({_summary(plan)}); nothing to do")
        return
    with espeak_with_voices(package, missing) as espeak:
        _for_each(missing, lambda speaker: _make_voice(speaker, espeak, out / "wav"), nj)
    write_text(out / TABLE, table)
    voices = {speaker.spk: _voice_digest(out, speaker) for speaker in plan}
    write_json(out / MANIFEST, {**identity, "digest": digest(table, *voices.values()), "voices": voices})
    (out / STARTED).unlink(missing_ok=True)
    seconds = time.monotonic() - start
    reused = f", {len(finished)} voices were there already" if finished else ""
    say(f"{out}: {_summary(plan)}, made in {seconds:.0f} s{reused}")


def _make_voice(speaker: Speaker, espeak: Espeak, wav: Path) -> None:
    """Write all utterances of one speaker; the folder appears under its name when it is complete."""
    unfinished = wav / f".{speaker.spk}.tmp"
    unfinished.mkdir()
    for utterance, speech in zip(speaker.utterances, read_aloud(speaker, espeak), strict=True):
        random = np.random.default_rng(utterance.noise_seed)
        samples = record(speech, speaker.sessions[utterance.session], random)
        soundfile.write(
            unfinished / f"{utterance.utt}.wav",
            np.rint(samples * 32767).astype(np.int16),
            SAMPLE_RATE,
            subtype="PCM_16",
        )
    os.replace(unfinished, wav / speaker.spk)


def _take_over(out: Path, identity: dict[str, Any], plan: list[Speaker]) -> set[str]:
    """Make `out` ready for this corpus; return the speakers whose folders are finished and sound.

    Afterwards the manifest is there only if no speaker is missing.
    """
    known = next((read_json(out / name) for name in (MANIFEST, STARTED) if (out / name).exists()), None)
    if known is None and out.exists() and any(out.iterdir()):
        raise WespkError(f"{out}: holds files but no corpus of this script; name another folder or empty it")
    recorded = known or {}
    if any(recorded.get(key) != value for key, value in identity.items()):
        if known is not None:
            say(f"{out}: was made with other options or by other scripts; making it anew")
        write_json(out / STARTED, {})  # keeps the folder ours, should the removal be interrupted
        (out / MANIFEST).unlink(missing_ok=True)
        _remove(out / "wav")
        write_json(out / STARTED, identity)
        recorded = {}
    (out / "wav").mkdir(exist_ok=True)
    for unfinished in (out / "wav").glob(".*.tmp"):
        shutil.rmtree(unfinished)
    finished = {speaker.spk for speaker in plan if _is_finished(out, speaker, recorded.get("voices", {}))}
    if len(finished) < len(plan):
        # The manifest goes last: it alone tells a damaged folder from a finished one.
        for speaker in plan:
            if speaker.spk not in finished:
                _remove(out / "wav" / speaker.spk)
        write_json(out / STARTED, identity)
        (out / MANIFEST).unlink(missing_ok=True)
    return finished


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _is_finished(out: Path, speaker: Speaker, digests: dict[str, str]) -> bool:
    if not all((out / _wav_path(speaker, utterance.utt)).is_file() for utterance in speaker.utterances):
        return False
    return not digests or digests.get(speaker.spk) == _voice_digest(out, speaker)


def _voice_digest(out: Path, speaker: Speaker) -> str:
    return digest(*(file_digest(out / _wav_path(speaker, u.utt)) for u in speaker.utterances))


def _wav_path(speaker: Speaker, utt: str) -> str:
    return f"wav/{speaker.spk}/{utt}.wav"


def _table(plan: list[Speaker]) -> str:
    """Return utterances.tsv: one line an utterance, under a line of column names."""
    rows = [
        (
            *(u.utt, speaker.spk, speaker.set_name, speaker.voice.gender, u.utt.rpartition("-")[0]),
            *(u.language, _wav_path(speaker, u.utt), u.text),
        )
        for speaker in plan
        for u in speaker.utterances
    ]
    return "".join("\t".join(row) + "\n" for row in [COLUMNS, *rows])


def _for_each(speakers: list[Speaker], work: Callable[[Speaker], None], nj: int) -> None:
    """Do `work` for each speaker in `nj` threads (espeak-ng and numpy's loops run outside Python's lock)."""
    with ThreadPoolExecutor(nj) as pool:
        try:
            for _ in track(pool.map(work, speakers), len(speakers), "voices"):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _summary(plan: list[Speaker]) -> str:
    counts = [sum(speaker.set_name == name for speaker in plan) for name in SETS]
    utterances = sum(len(speaker.utterances) for speaker in plan)
    parts = ", ".join(f"{count} {name}" for count, name in zip(counts, SETS, strict=True))
    return f"{len(plan)} speakers ({parts}), {utterances} utterances"


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    main()
