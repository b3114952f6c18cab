"""Features computed of a small directory with damaged recordings, and merged from damaged pieces."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from fuzz_bytes import Random
from fuzz_case import Case, attempt, contents, is_untouched, law, pick
from fuzz_mutate import PLACES, mutate_bytes, mutate_place, mutate_text

from wespk.core.rejections import Rejections
from wespk.data.archives import read_archive
from wespk.data.audio import AudioOptions
from wespk.data.datadir import load_data_dir, load_features, write_data_dir
from wespk.data.jobs import Job, Piece, merge_jobs, one_by_one
from wespk.data.wav_ark import WavPiece, merge_wav_jobs
from wespk.features.extractor import FeatureExtractor
from wespk.features.options import FbankOptions
from wespk.features.spec import FeatureSpec

JOBS = 2
ANY = 1e9  # rejections are allowed
SPEC = FeatureSpec(options=FbankOptions(num_mel_bins=8, dither=0.0))
EXTRACTOR = FeatureExtractor(SPEC)


def prepare(rng: Random, folder: Path) -> Case:
    """Damage recordings before the jobs run, or what the jobs wrote before it is merged."""
    choices = [path for path in sorted(Path("base/audio").iterdir()) if not path.name.startswith("ffmpeg")]
    places = [pick(rng, choices) for _ in range(4)]
    made = []
    wav = {}
    (folder / "wav").mkdir()
    for number, place in enumerate(places):
        data = place.read_bytes()
        if number and rng.random() < 0.5:
            data, done = mutate_bytes(rng, data, lambda: pick(rng, choices).read_bytes())
            made += [f"{number}: {what}" for what in done]
        utt = f"s{number // 2}-u{number}"
        wav[utt] = f"{folder}/wav/{utt}"
        Path(wav[utt]).write_bytes(data)
    write_data_dir(folder / "data", wav, {utt: utt[:2] for utt in wav})
    kind = pick(rng, ["feats", "feats", "wav"])
    seed = None if is_untouched(rng) or rng.random() < 0.5 else int(rng.integers(2**31))

    def check() -> str:
        return _check_feats(folder / "data", seed) if kind == "feats" else _check_wav(folder / "data", seed)

    return Case(kind, [*made, "jobs damaged"] if seed is not None else made, check)


def _run(piece: Piece | WavPiece) -> None:
    for index in range(1, JOBS + 1):
        piece.run(Job(index, JOBS), _untracked)


def _untracked(items: Iterable[str], total: int, what: str) -> Iterable[str]:
    return items


def _piece(place: Path) -> Piece:
    data = load_data_dir(place)
    options = AudioOptions(sample_rate=16000, channel=0, allow_downsample=True)

    def make(utt: str) -> np.ndarray:
        return EXTRACTOR.archived(data.audio(utt, options), utt)

    info = {"spec": SPEC.model_dump(mode="json")}
    return Piece(place, "feats", data.utterances, info, data.audio_stamp, one_by_one(make))


def _check_feats(place: Path, seed: int | None) -> str:
    utts = load_data_dir(place).utterances
    _run(_piece(place))
    first = attempt(lambda: merge_jobs(place, "feats", ANY), [str(place)])
    rejected = _check_merged(place, utts, first.accepted)
    if seed is None or not first.accepted:
        return first.refusal or ("some rejected" if rejected else "")
    whole = contents(place)
    damaged = _damage(np.random.default_rng(seed), place / "jobs")
    # The jobs notice what does not fit and do it again, or say which file is in their way.
    merged = attempt(lambda: merge_jobs(place, "feats", ANY), [str(place)])
    if merged.accepted:
        readable = attempt(lambda: list(read_archive(place / "feats.scp")))
        law(readable.accepted or ".ark" in damaged, f"{damaged}: a merged archive cannot be read")
    again = attempt(lambda: _run(_piece(place)), [str(place)])
    if again.accepted:
        final = attempt(lambda: merge_jobs(place, "feats", ANY), [str(place)])
        if final.accepted:
            _check_merged(place, utts, True)
            same = contents(place)["feats.json"] == whole["feats.json"]
            law(same or ".rejected" in damaged or ".json" in damaged, f"{damaged}: another result, no error")
        return f"{damaged}: {final.refusal}" if final.refusal else ""
    return f"{damaged}: {again.refusal}"


def _check_merged(place: Path, utts: list[str], is_merged: bool) -> int:
    """Every utterance has features or a reason why not. Return how many have none."""
    ledger = Rejections.read(place / "rejected.txt")
    law(not (place / "feats.scp").exists() or is_merged, "a table although the merge gave up")
    if is_merged:
        data = load_data_dir(place)
        locations = load_features(data)
        law(sorted([*locations, *ledger.reasons]) == utts, f"{len(locations)} + {len(ledger)} of {len(utts)}")
    else:
        law(
            sorted(ledger.reasons) == utts,
            f"{len(ledger)} of {len(utts)} are listed, and no features are there",
        )
    return len(ledger)


def _damage(rng: Random, jobs: Path) -> str:
    path = pick(rng, sorted(path for path in jobs.iterdir() if path.is_file()))
    if rng.random() < 0.2:
        return f"{path.name} {mutate_place(rng, path, PLACES[:3])}"
    mutate = mutate_bytes if path.suffix == ".ark" else mutate_text
    path.write_bytes(mutate(rng, path.read_bytes(), lambda: b"x 1\n")[0])
    return path.name


def _check_wav(place: Path, seed: int | None) -> str:
    data = load_data_dir(place)
    options = AudioOptions(sample_rate=16000, channel=0, allow_downsample=True)
    out = place.with_name("copy")

    def piece() -> WavPiece:
        return WavPiece(
            out,
            data.utterances,
            16000,
            {"speed": 1},
            data.audio_stamp,
            lambda utt: (data.audio(utt, options), ""),
        )

    _run(piece())
    merged = attempt(lambda: merge_wav_jobs(out), [str(out)])
    law(merged.value is not None, f"what jobs have just made is merged: {merged.refusal}")
    made, unused = merged.value.locations, merged.value.rejections
    law(sorted([*made, *unused.reasons]) == data.utterances, f"{len(made)} + {len(unused)} recordings")
    if made:
        copy = write_data_dir(out, made, {utt: utt[:2] for utt in made})
        for utt in made:
            one, other = data.audio(utt, options), copy.audio(utt, 16000)
            clipped = np.clip(one, -1, 32767 / 32768)
            law(np.abs(other - clipped).max() <= 0.6 / 32768, f"{utt}: the copy is another recording")
    if seed is None:
        return "some rejected" if unused else ""
    damaged = _damage(np.random.default_rng(seed), out / "jobs")
    attempt(lambda: merge_wav_jobs(out), [str(out)])
    again = attempt(lambda: _run(piece()), [str(out)])
    if not again.accepted:
        return f"{damaged}: {again.refusal}"
    return attempt(lambda: merge_wav_jobs(out), [str(out)]).refusal
