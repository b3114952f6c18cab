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
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from channels import SAMPLE_RATE, record
from plan import SETS, Options, Speaker, make_plan
from scipy import signal
from voices import variant_file

from wespk.core.errors import WespkError
from wespk.core.files import digest, file_digest, read_json, write_json, write_text
from wespk.core.progress import say, track

LOCAL = Path(__file__).resolve().parent
SPEAK = LOCAL / "speak.py"
MAKERS = ("make_corpus.py", "plan.py", "voices.py", "sentences.py", "channels.py", "speak.py")
ESPEAK_RATE = 22050
UP, DOWN = SAMPLE_RATE // 50, ESPEAK_RATE // 50
ANTI_ALIAS = signal.firwin(20 * DOWN + 1, 1 / DOWN, window=("kaiser", 5.0))  # as resample_poly makes each time
ESPEAK_VOICES = {"en": "en-us", "cmn": "cmn"}
ESPEAK_FILES = (
    *("phondata", "phonindex", "phontab", "intonations", "en_dict", "cmn_dict"),
    *("lang/gmw/en-US", "lang/sit/cmn"),
)
NEUTRAL_PITCH = 50  # the middle of espeak-ng's scale
TRIM_LEVEL = 0.01  # of the peak; less than this at either end is silence
MANIFEST, STARTED = "manifest.json", "started.json"  # complete / under way
COLUMNS = ("utt", "spk", "set", "gender", "session", "language", "path", "text")


@dataclasses.dataclass(frozen=True)
class Espeak:
    """Where espeak-ng's library is, and a folder with an espeak-ng-data that knows our voices."""

    library: str
    data_folder: str


def main() -> int:
    arguments = parse_arguments()
    options = Options(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Options)})
    try:
        make_corpus(arguments.out, options, arguments.nj)
    except WespkError as error:
        print(f"make_corpus.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"make_corpus.py: {error.filename or arguments.out}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus")
    helps = {
        "num_train": "training speakers",
        "num_dev": "development speakers",
        "num_test": "test speakers",
        "train_utts": "utterances of a training speaker",
        "eval_utts": "utterances of a development or test speaker",
        "seed": "another seed makes other speakers and sentences",
    }
    for field in dataclasses.fields(Options):
        parser.add_argument(
            f"--{field.name}", type=_whole, default=field.default, help=f"{helps[field.name]} ({field.default})"
        )
    parser.add_argument("--nj", type=_whole, default=os.cpu_count() or 1, help="voices made side by side")
    return parser.parse_args()


def make_corpus(out: Path, options: Options, nj: int) -> None:
    """Make what is missing of the corpus in `out`; replace a corpus made with other options."""
    start = time.monotonic()
    package = _espeak_package()
    identity = {
        "options": dataclasses.asdict(options),
        "espeakng_loader": metadata.version("espeakng_loader"),
        "makers": digest(*((LOCAL / name).read_bytes() for name in MAKERS)),
    }
    plan = make_plan(options)
    finished = _take_over(out, identity, plan)
    missing = [speaker for speaker in plan if speaker.spk not in finished]
    if not missing and (out / MANIFEST).exists():
        say(f"{out}: complete already ({_summary(plan)}); nothing to do")
        return
    with _espeak_with_voices(package, missing) as espeak:
        _for_each(missing, lambda speaker: _make_voice(speaker, espeak, out / "wav"), nj)
    _write_table(out / "utterances.tsv", plan)
    voices = {speaker.spk: _voice_digest(out, speaker) for speaker in plan}
    content = digest(*voices.values(), (out / "utterances.tsv").read_bytes())
    write_json(out / MANIFEST, {**identity, "digest": content, "voices": voices})
    (out / STARTED).unlink()
    seconds = time.monotonic() - start
    reused = f", {len(finished)} voices were there already" if finished else ""
    say(f"{out}: {_summary(plan)}, made in {seconds:.0f} s{reused}")


def _make_voice(speaker: Speaker, espeak: Espeak, wav: Path) -> None:
    """Write all utterances of one speaker; the folder appears under its name when it is complete."""
    unfinished = wav / f".{speaker.spk}.tmp"
    unfinished.mkdir()
    for utterance, speech in zip(speaker.utterances, _read_aloud(speaker, espeak), strict=True):
        random = np.random.default_rng(utterance.noise_seed)
        samples = record(speech, speaker.sessions[utterance.session], random)
        soundfile.write(
            unfinished / f"{utterance.utt}.wav",
            np.rint(samples * 32767).astype(np.int16),
            SAMPLE_RATE,
            subtype="PCM_16",
        )
    os.replace(unfinished, wav / speaker.spk)


def _read_aloud(speaker: Speaker, espeak: Espeak) -> Iterator[np.ndarray]:
    """Yield the clean speech of each utterance at 16 kHz, without silence at its ends."""
    sentences = []
    for utterance in speaker.utterances:
        session = speaker.sessions[utterance.session]
        sentences.append(
            {
                "voice": f"{ESPEAK_VOICES[utterance.language]}+{speaker.spk}",
                "rate": round(speaker.voice.words_per_minute * session.rate_factor),
                "pitch": NEUTRAL_PITCH + session.pitch_shift,
                "range": NEUTRAL_PITCH + session.pitch_range,
                "text": utterance.text,
            }
        )
    request = {"library": espeak.library, "data": espeak.data_folder, "sentences": sentences}
    done = subprocess.run(
        [sys.executable, "-I", str(SPEAK)], input=json.dumps(request).encode(), capture_output=True
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise WespkError(f"espeak-ng failed for speaker {speaker.spk}: {reason[-1]}")
    position = 0
    for _ in sentences:
        count = int.from_bytes(done.stdout[position : position + 4], "little")
        samples = np.frombuffer(done.stdout, dtype="<i2", count=count, offset=position + 4)
        position += 4 + 2 * count
        speech = signal.resample_poly(samples / 32768, UP, DOWN, window=ANTI_ALIAS)
        loud = np.flatnonzero(np.abs(speech) > TRIM_LEVEL * np.abs(speech).max())
        yield speech[loud[0] : loud[-1] + 1]


def _take_over(out: Path, identity: dict[str, Any], plan: list[Speaker]) -> set[str]:
    """Make `out` ready for this corpus; return the speakers whose folders are finished and sound.

    Afterwards the manifest is there only if nothing is missing.
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
        shutil.rmtree(out / "wav", ignore_errors=True)
        write_json(out / STARTED, identity)
        recorded = {}
    (out / "wav").mkdir(exist_ok=True)
    for unfinished in (out / "wav").glob(".*.tmp"):
        shutil.rmtree(unfinished)
    finished = {speaker.spk for speaker in plan if _is_finished(out, speaker, recorded.get("voices", {}))}
    if len(finished) < len(plan):
        write_json(out / STARTED, identity)
        (out / MANIFEST).unlink(missing_ok=True)
        for speaker in plan:
            if speaker.spk not in finished:
                shutil.rmtree(out / "wav" / speaker.spk, ignore_errors=True)
    return finished


def _is_finished(out: Path, speaker: Speaker, digests: dict[str, str]) -> bool:
    if not all((out / _wav_path(speaker, utterance.utt)).is_file() for utterance in speaker.utterances):
        return False
    return not digests or digests.get(speaker.spk) == _voice_digest(out, speaker)


def _voice_digest(out: Path, speaker: Speaker) -> str:
    return digest(*(file_digest(out / _wav_path(speaker, u.utt)) for u in speaker.utterances))


def _wav_path(speaker: Speaker, utt: str) -> str:
    return f"wav/{speaker.spk}/{utt}.wav"


def _write_table(path: Path, plan: list[Speaker]) -> None:
    rows = [
        (
            *(u.utt, speaker.spk, speaker.set_name, speaker.voice.gender, u.utt.rpartition("-")[0]),
            *(u.language, _wav_path(speaker, u.utt), u.text),
        )
        for speaker in plan
        for u in speaker.utterances
    ]
    write_text(path, "".join("\t".join(row) + "\n" for row in [COLUMNS, *rows]))


def _espeak_package() -> Any:
    try:
        import espeakng_loader
    except ImportError:
        raise WespkError("espeak-ng is missing; install it: pip install 'espeakng-loader>=0.2.4'") from None
    return espeakng_loader


@contextmanager
def _espeak_with_voices(package: Any, speakers: list[Speaker]) -> Iterator[Espeak]:
    """Copy what espeak-ng needs for two languages to a temporary folder, and put our voices in it."""
    with tempfile.TemporaryDirectory(prefix="wespk-mini-") as folder:
        data = Path(folder) / "espeak-ng-data"
        for name in ESPEAK_FILES:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(package.get_data_path()) / name, data / name)
        variants = data / "voices" / "!v"
        variants.mkdir(parents=True)
        for speaker in speakers:
            (variants / speaker.spk).write_text(variant_file(speaker.spk, speaker.voice))
        yield Espeak(package.get_library_path(), folder)


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
    sys.exit(main())
