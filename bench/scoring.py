"""Whole scoring commands, files in and files out: `wespk` as a user starts it, on one core.

    python bench/scoring.py             # the loads of AISHELL and VoxCeleb, about two minutes
    python bench/scoring.py --large     # and 100 million trials: 8 GB of temporary files, ten minutes

Random embeddings of 256 dimensions, made here from fixed seeds: the time does not depend on their values. A
peer's way of scoring, one call a pair, runs here too, on a part; Kaldi's and WeSpeaker's other figures are
from their own logs and from runs of them on a machine of this kind.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import heading, of_call, of_command, on_one_core, row

from wespk.backend import train_plda
from wespk.data.archives import write_archive
from wespk.data.kaldi_objects import write_plda

DIM = 256
MODELS, TESTS = 196, 17_800  # AISHELL-like: 3,488,800 pairs
PEER_PAIRS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help="100 million trials too")
    parser.add_argument("--only", metavar="WORD", default="", help="only the rows whose name holds this word")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wespk-bench-") as name:
        folder = Path(name)
        heading()
        for work in (all_pairs, normalisation, matrix, *([streamed] if args.large else [])):
            if args.only in work.__name__:
                work(folder)


def all_pairs(folder: Path) -> None:
    """196 models against 17,800 utterances: cosine and PLDA."""
    models, tests = names("m", MODELS), names("t", TESTS)
    write_embeddings(folder / "pairs", models + tests, seed=1)
    write_pairs(folder / "pairs.trials", models, tests)
    write_random_plda(folder / "plda")
    inputs = ["pairs.scp", "pairs.trials", "pairs.scores"]
    peer = of_call(peer_pairs, score_pair_by_pair)
    a_pair = peer.cpu_seconds / PEER_PAIRS
    extrapolated = f"192 s in a peer's log; its call a pair, here: {a_pair * MODELS * TESTS:.0f} s"
    cosine = of_command("score-cosine", *inputs, cwd=folder)
    row("score-cosine, 3.49 M trials, 196 x 17.8 k", cosine, 8, 1.5, extrapolated)
    plda = of_command("score-plda", "--plda", "plda", *inputs, cwd=folder)
    row("score-plda, the same", plda, 8, 1.5, "39 s (Kaldi)")
    evaluated = of_command("evaluate", "--draws", 0, "pairs.trials", "pairs.scores", cwd=folder)
    row("evaluate, the same", evaluated)


def normalisation(folder: Path) -> None:
    """580 k trials between 5 k embeddings, a cohort of 6 k, the nearest 300."""
    utts = names("u", 5_000)
    write_embeddings(folder / "utts", utts, seed=2)
    write_embeddings(folder / "cohort", names("c", 6_000), seed=3)
    random = np.random.default_rng(4)
    pairs = random.choice(len(utts) ** 2, 580_000, replace=False)
    enrol, test = np.divmod(pairs, len(utts))
    with open(folder / "utts.trials", "w", encoding="utf-8") as stream:
        labels = ("nontarget", "target")
        stream.writelines(
            f"{utts[e]} {utts[t]} {labels[(e + t) % 10 == 0]}\n"
            for e, t in zip(enrol.tolist(), test.tolist(), strict=True)
        )
    inputs = ["utts.scp", "utts.trials", "utts.scores"]
    done = of_command("normalise-scores", "--cohort", "cohort.scp", "--top-k", 300, *inputs, cwd=folder)
    against = "a full sort: see bench/backend.py"
    row("AS-norm, 580 k trials, 5 k embeddings, cohort 6 k, top 300", done, 3, 2, against)


def matrix(folder: Path) -> None:
    """All pairs of 20 k and 20 k embeddings, of which only EER and minDCF are kept."""
    arguments: list[object] = []
    for side, seed in (("left", 5), ("right", 6)):
        utts = names(side, 20_000)
        write_embeddings(folder / side, utts, seed)
        speakers = "".join(f"{utt} spk{number // 20:04d}\n" for number, utt in enumerate(utts))
        (folder / f"{side}.utt2spk").write_text(speakers)
        arguments += ["--utt2spk", f"{side}.utt2spk"]
    done = of_command("score-matrix", *arguments, "left.scp", "right.scp", cwd=folder)
    row("score-matrix, 20 k x 20 k, EER and minDCF only", done, 15, 2)


def streamed(folder: Path) -> None:
    """100 million trials of a list that is in no order, from file to file; then their evaluation."""
    models, tests = names("m", 10_000), names("t", 10_000)
    write_embeddings(folder / "many", models + tests, seed=7)
    write_pairs(folder / "many.trials", models, tests)
    done = of_command("score-cosine", "many.scp", "many.trials", "many.scores", cwd=folder)
    row("score-cosine, 100 M trials, streamed", done, None, 2, rate(100e6, done.seconds))
    done = of_command("evaluate", "--streamed", "many.trials", "many.scores", cwd=folder)
    row("evaluate --streamed, the same", done, None, 2, rate(100e6, done.seconds))


def rate(count: float, seconds: float) -> str:
    return f"{count / seconds / 1e6:.2f} M trials/s"


def names(prefix: str, count: int) -> list[str]:
    """Return ids of the length of AISHELL's."""
    return [f"{prefix}S{number // 100:04d}W{number:06d}" for number in range(count)]


def write_embeddings(path: Path, keys: list[str], seed: int) -> None:
    """Write PATH.ark and PATH.scp."""
    rows = np.random.default_rng(seed).standard_normal((len(keys), DIM), dtype=np.float32)
    write_archive(path.with_suffix(".ark"), path.with_suffix(".scp"), zip(keys, rows, strict=True))


def write_pairs(path: Path, models: list[str], tests: list[str]) -> None:
    """Write every model against every test utterance, one in a hundred of them a target."""
    with open(path, "w", encoding="utf-8") as stream:
        for number, model in enumerate(models):
            stream.writelines(_block(model, tests, number % 100))


def _block(model: str, tests: list[str], first: int) -> Iterator[str]:
    for place, test in enumerate(tests):
        yield f"{model} {test} {'target' if place % 100 == first else 'nontarget'}\n"


def write_random_plda(path: Path) -> None:
    random = np.random.default_rng(8)
    labels = np.repeat(np.arange(300), 10)
    rows = random.standard_normal((len(labels), DIM)) + random.standard_normal((300, DIM))[labels]
    plda = train_plda(rows, labels, iterations=3)
    write_plda(path, plda.mean, plda.transform, plda.psi)


def peer_pairs() -> np.ndarray:
    """Return the embeddings of a part of the pairs, (PEER_PAIRS, 2, D); load the library, untimed."""
    import sklearn.metrics.pairwise  # noqa: F401

    return np.random.default_rng(9).standard_normal((PEER_PAIRS, 2, DIM), dtype=np.float32)


def score_pair_by_pair(pairs: np.ndarray) -> float:
    """Score as a popular peer does: one call of scikit-learn's cosine_similarity a pair."""
    from sklearn.metrics.pairwise import cosine_similarity

    return sum(float(cosine_similarity(left[None], right[None])[0, 0]) for left, right in pairs)


if __name__ == "__main__":
    on_one_core()
    main()
