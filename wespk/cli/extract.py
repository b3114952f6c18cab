"""Extract the embeddings of a data directory, from its features or from its recordings.

Usage:   wespk extract [options] MODEL DATA OUT
Example: wespk extract exp/ecapa/final data/test exp/ecapa/embeddings/test
         wespk extract --audio --config conf/fbank.conf --chunk-duration 30 exp/ecapa/final data/calls calls
         tools/local.py JOB=1:2 exp/ecapa/log/extract.JOB.log \\
           wespk extract --job JOB/2 exp/ecapa/final data/test exp/ecapa/embeddings/test
         wespk merge-jobs exp/ecapa/embeddings/test xvector

The features must be those that the model was trained on; the difference is shown when they are not. Job N
works on the N-th GPU, counted around; without --nj and --job there is one process for each GPU.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wespk.cli.extraction_rate import ExtractionRate
from wespk.cli.jobs import add_jobs, run_jobs
from wespk.cli.options import count, limit, positive
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.datadir import DataDir, load_data_dir, load_features
from wespk.data.jobs import Job, Piece

if TYPE_CHECKING:
    from wespk.inference.extraction import Extraction, Tally
    from wespk.inference.loading import Source
    from wespk.inference.model_dir import SpeakerModel

WORKERS_A_CORE = 4


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="model directory")
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to; gets jobs/xvector.JOB.ark")
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="import a network that is not part of wespk, named by the model",
    )
    parser.add_argument(
        "--audio", action="store_true", help="compute the features of the recordings; store none"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="CONF",
        help="with --audio: the file of compute-fbank and its like, for which recordings are accepted; its "
        "features must be the model's (without: mono recordings at the model's rate)",
    )
    parser.add_argument(
        "--max-duration", type=limit, metavar="S", help="look at an utterance's first S seconds only"
    )
    parser.add_argument(
        "--chunk-duration",
        type=limit,
        metavar="S",
        help="cut longer utterances into equal chunks of at most S seconds, and average their embeddings",
    )
    parser.add_argument(
        "--repeat-short",
        action="store_true",
        help="repeat utterances that are too short for the network; they are rejected otherwise",
    )
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument(
        "--batch-frames",
        type=positive,
        metavar="N",
        help="most frames of a batch, its padding counted (1400; 32000 on a GPU)",
    )
    parser.add_argument(
        "--workers", type=count, metavar="N", help="processes that load, for each job (0; up to 8 on a GPU)"
    )
    add_jobs(parser, each_gpu=True)


def run(args: Namespace) -> None:
    """Extract, and print the rate."""
    if args.config and not args.audio:
        raise WespkError("--config says how recordings are read: it needs --audio")
    if args.nj is None:
        args.nj = 1 if args.job else max(1, _num_gpus())
    tally: Tally | None = None

    def piece() -> Piece:
        nonlocal tally
        extraction, made = _piece(args)
        tally = extraction.tally
        return made

    lines = run_jobs(args, args.out, "xvector", piece)
    done = tally is not None and tally.utterances
    rate = ExtractionRate(**vars(tally)) if done else ExtractionRate.of_jobs(lines)
    if rate is not None:
        say(str(rate))


def _num_gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _piece(args: Namespace) -> tuple[Extraction, Piece]:
    data = load_data_dir(args.data)
    locations = {} if args.audio else load_features(data)

    from wespk.data.parallel import cores
    from wespk.inference.extraction import GPU_WORKERS, Extraction
    from wespk.inference.forward import computes_bf16
    from wespk.inference.loading import Preparation
    from wespk.inference.model_dir import load_model

    if args.workers is not None and args.workers > WORKERS_A_CORE * cores():
        most = f"there are {cores()} cores; give at most {WORKERS_A_CORE * cores()}"
        raise WespkError(f"--workers {args.workers}: too many; {most}")
    job, gpus = Job.parse(args.job or "1/1"), _num_gpus()
    device = f"cuda:{(job.index - 1) % gpus}" if gpus else "cpu"
    model = load_model(args.model, device, trust_code=args.trust_code)
    if args.bf16 and not computes_bf16(model.device):
        raise WespkError(f"--bf16: this {device} does not compute in bfloat16, and would crawl; leave it out")
    # That an archive was made again is told by its digest; recordings have a stamp each.
    utts = list(locations)
    stamp: Callable[[str], str] = str
    if args.audio:
        utts, stamp = data.utterances, data.audio_stamp
        source, raw, info = _recordings(args, data, model)
    else:
        source, raw, info = _archive(args, locations, model)

    num_frames = model.spec.options.num_frames

    def frames(seconds: float | None) -> int | None:
        return None if seconds is None else num_frames(round(seconds * model.spec.sample_rate))

    choices: dict[str, Any] = {
        "most_frames": frames(args.max_duration),
        "chunk_frames": frames(args.chunk_duration),
        "repeat_short": args.repeat_short,
    }
    prepare = Preparation(model.spec, raw, model.min_frames, **choices)
    workers = args.workers
    if workers is None:
        workers = min(GPU_WORKERS, max(1, cores() // gpus)) if gpus else 0
    extraction = Extraction(model, prepare, args.batch_frames, workers, args.bf16)
    info |= {"model": model.digest, "spec": model.spec.digest}
    info |= {name: value for name, value in {**choices, "bf16": args.bf16}.items() if value}
    return extraction, Piece(args.out, "xvector", utts, info, stamp, partial(extraction, source))


def _archive(
    args: Namespace, locations: dict[str, str], model: SpeakerModel
) -> tuple[Source, bool, dict[str, Any]]:
    """Return where features come from, whether they are to be normalised, and what describes them."""
    from wespk.features.extractor import check_archive
    from wespk.features.spec import read_archive_record
    from wespk.inference.loading import ArchivedFeatures

    archive = read_archive_record(args.data)
    raw = check_archive(archive.spec, model.spec, str(args.data), str(args.model))
    return ArchivedFeatures(locations, archive.spec.dim), raw, {"feats": archive.content}


def _recordings(args: Namespace, data: DataDir, model: SpeakerModel) -> tuple[Source, bool, dict[str, Any]]:
    from wespk.data.audio import AudioOptions
    from wespk.features.extractor import foreign_code
    from wespk.features.settings import read_settings
    from wespk.inference.loading import FeaturesOfAudio

    spec, audio = model.spec.archived(), AudioOptions(sample_rate=model.spec.sample_rate)
    if args.config:
        settings = read_settings(spec.kind, args.config)
        settings.spec.require_same(spec, str(args.config), str(args.model))
        audio = settings.audio
    info = {"audio": audio.model_dump(mode="json"), "code": foreign_code(spec)}
    return FeaturesOfAudio(data, audio, spec), True, info
