"""Map embeddings to two dimensions, for the report: one point an utterance, coloured by its speaker there.

Usage:   wespk map-embeddings [options] XVECTOR.SCP UTT2SPK OUT.json
Example: wespk map-embeddings exp/ecapa/embeddings/test/xvector.scp data/test/utt2spk \\
           exp/ecapa/embedding_map.json

At most 600 utterances are shown, at most 20 of a speaker; which ones depends on the seed and their ids only.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import defaultdict
from pathlib import Path

import numpy as np

from wespk.backend.projection import METHODS, project
from wespk.cli.options import positive
from wespk.cli.scoring import load_embeddings, speakers_of
from wespk.cli.transforms import add_transforms
from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.trial_lists import seeded_order

MOST_POINTS = 600  # more hide each other in a figure
NAMES = {"tsne": "t-SNE (cosine)", "pca": "PCA (length-normalised)"}
OUTPUTS = ("out",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings")
    parser.add_argument("utt2spk", type=Path, metavar="UTT2SPK", help="the speaker of each")
    parser.add_argument("out", type=Path, metavar="OUT.json", help="output")
    parser.add_argument(
        "--method", choices=METHODS, default="tsne", help="tsne, which needs scikit-learn, or pca (tsne)"
    )
    parser.add_argument(
        "--max-per-speaker", type=positive, default=20, metavar="N", help="utterances of a speaker (20)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice and of t-SNE (0)")
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Choose, project and write."""
    embeddings = load_embeddings(args.embeddings, args)
    keys = embeddings.keys
    speakers = speakers_of(embeddings, args.embeddings, args.utt2spk)
    speaker_of = dict(zip(keys, speakers.tolist(), strict=True))
    chosen = choose(speaker_of, args.max_per_speaker, args.seed)
    place = {utt: row for row, utt in enumerate(keys)}
    rows = embeddings.matrix[[place[utt] for utt in chosen]]
    try:
        points = project(rows, args.method, args.seed)
    except WespkError as error:
        raise WespkError(f"{args.embeddings}: {error}") from None
    shown = {speaker_of[utt] for utt in chosen}
    left_out = {"utterances": len(keys) - len(chosen), "speakers": len(set(speakers)) - len(shown)}
    record = {
        "set": args.utt2spk.resolve().parent.name,
        "method": NAMES[args.method],
        "seed": args.seed,
        "left_out": left_out,
        "points": [
            [x, y, utt, speaker_of[utt]]
            for utt, (x, y) in zip(chosen, np.round(points, 4).tolist(), strict=True)
        ],
    }
    write_json(args.out, record)
    say(
        f"{args.out}: {NAMES[args.method]} of {len(chosen)} embeddings of {len(shown)} speakers; "
        f"left out {left_out['utterances']} utterances and {left_out['speakers']} speakers"
    )


def choose(speaker_of: dict[str, str], most_per_speaker: int, seed: int) -> list[str]:
    """Return the utterances to show, sorted: of as many speakers as fit, the first of each in seeded order.

    The choice depends on nothing but the ids and the seed.
    """
    by_speaker: dict[str, list[str]] = defaultdict(list)
    for utt, spk in speaker_of.items():
        by_speaker[spk].append(utt)
    chosen: list[str] = []
    for spk in seeded_order(by_speaker, seed):
        utts = seeded_order(by_speaker[spk], seed)[: min(most_per_speaker, MOST_POINTS)]
        if len(chosen) + len(utts) > MOST_POINTS:
            break
        chosen += utts
    return sorted(chosen)
