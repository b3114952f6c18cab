"""Decide which frames of a data directory's features hold speech: DATA/vad.scp.

Usage:   wespk compute-vad [options] DATA
Example: wespk compute-vad --config conf/vad.conf --nj 4 data/train
         wespk compute-vad --neural data/train
         tools/slurm.py JOB=1:40 data/train/log/vad.JOB.log \\
           wespk compute-vad --config conf/vad.conf --job JOB/40 data/train
         wespk merge-jobs data/train vad

Writes vectors of 1 (speech) and 0, one number a frame, as Kaldi's compute-vad does, DATA/vad.json (how they
were made), and DATA/unvoiced.txt, the utterances without any speech (with --job: jobs/vad.JOB.unvoiced). The
energies are the features' own where they hold the log energy (MFCC, or Fbank with --use-energy); else they
are computed from the audio, for the same frames. --neural takes Silero VAD, a small network, on the audio
(pip install 'wespk[vad]'). Run it on features before any normalisation.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wespk.cli.jobs import add_jobs, run_jobs
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.archives import read_archive
from wespk.data.audio import AudioError, AudioOptions
from wespk.data.datadir import DataDir, load_data_dir, load_features
from wespk.data.jobs import Job, Piece, one_by_one
from wespk.data.matrices import MappedMatrices
from wespk.features.extractor import FeatureExtractor
from wespk.features.kaldi_conf import kaldi_options
from wespk.features.neural_vad import NeuralVadOptions
from wespk.features.spec import FeatureSpec, read_archive_record
from wespk.features.vad import EnergyVadOptions

VadOptions = EnergyVadOptions | NeuralVadOptions
NAMES_SHOWN = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory with feats.scp")
    parser.add_argument("--config", type=Path, metavar="CONF", help="file of options, `--name=value` a line")
    parser.add_argument("--neural", action="store_true", help="Silero VAD instead of energies")
    add_jobs(parser)
    for schema, title in (
        (EnergyVadOptions, "options of the energy VAD"),
        (NeuralVadOptions, "options of --neural"),
    ):
        group = parser.add_argument_group(f"{title}, which the file may hold too")
        for name, field in schema.model_fields.items():
            flag = f"--{name.replace('_', '-')}"
            group.add_argument(flag, dest=f"set_{name}", metavar="VALUE", help=f"({field.default})")


def run(args: Namespace) -> None:
    """Decide, write, and print the share of speech."""
    options = _options(args)
    run_jobs(args, args.data, "vad", lambda: _piece(args.data, options))
    if args.job:
        index = Job.parse(args.job).index
        base = args.data / "jobs"
        say(_count(base / f"vad.{index}.scp", base / f"vad.{index}.unvoiced"))
    else:
        say(_count(args.data / "vad.scp", args.data / "unvoiced.txt"))


def _options(args: Namespace) -> VadOptions:
    values: dict[str, object] = {**(kaldi_options(args.config) if args.config else {})}
    for name in (*EnergyVadOptions.model_fields, *NeuralVadOptions.model_fields):
        value = getattr(args, f"set_{name}")
        if value is not None:
            values[name] = value
    source = (
        str(args.config) if args.config else f"options of the {'neural' if args.neural else 'energy'} VAD"
    )
    if args.neural:
        return parse_config(NeuralVadOptions, values, source)
    return parse_config(EnergyVadOptions, values, source)


def _piece(path: Path, options: VadOptions) -> Piece:
    data = load_data_dir(path)
    locations = load_features(data)
    archive = read_archive_record(path)
    spec = archive.spec
    if (spec.sliding_cmn, spec.vad, spec.cmn) != (None, None, "none"):
        raise WespkError(
            f"{path}: its features are normalised or selected already; run compute-vad on those before that"
        )
    rejected = Rejections.read(path / "rejected.txt").reasons if len(locations) < len(data.utt2spk) else {}
    matrices = MappedMatrices(locations)
    position = {utt: index for index, utt in enumerate(locations)}
    extractor = FeatureExtractor(spec.model_copy(update={"vad": options}))
    audio = _reading(data, spec) if extractor.vad_needs_samples else None

    def voiced(utt: str) -> np.ndarray:
        if utt not in position:
            raise AudioError(rejected[utt])  # it has no features
        features, samples = matrices[position[utt]], None
        if audio is not None:
            samples = extractor.prepared(data.audio(utt, audio))
            found = spec.options.num_frames(len(samples))
            if len(features) != found:
                told = f"{len(features)} frames of features, {found} of the audio as it is now"
                raise AudioError(f"lengths differ: {told}")
        return extractor.voiced(features, samples).astype(np.float32)

    # Of features, the digest in `info` says all; of audio, its own stamp.
    stamp: Callable[[str], str] = str if audio is None else data.audio_stamp
    info = {
        "spec": extractor.spec.model_dump(mode="json"),
        "feats": archive.content,
    }
    return Piece(path, "vad", data.utterances, info, stamp, one_by_one(voiced))


def _reading(data: DataDir, spec: FeatureSpec) -> AudioOptions:
    """Return how the recordings were read when their features were computed."""
    record = data.path / "feats.json"
    return parse_config(
        AudioOptions, read_json(record).get("audio", {"sample_rate": spec.sample_rate}), str(record)
    )


def _count(scp: Path, ledger: Path) -> str:
    """Write the utterances of `scp` without speech into `ledger`; return a line about all of them."""
    unvoiced = Rejections()
    utterances = frames = speech = 0
    for utt, voiced in read_archive(scp):
        utterances += 1
        frames += len(voiced)
        found = int(np.count_nonzero(voiced))
        speech += found
        if not found:
            unvoiced.add(utt, f"no speech: none of {len(voiced)} frames is voiced")
    unvoiced.write(ledger)
    names = ", ".join([*list(unvoiced.reasons)[:NAMES_SHOWN], *["..."][: len(unvoiced) > NAMES_SHOWN]])
    return (
        f"{scp}: speech in {100 * speech / max(frames, 1):.1f} % of {frames} frames; "
        f"none in {len(unvoiced)} of {utterances} utterances" + (f": {names} ({ledger})" if names else "")
    )
