"""Score every model against every test utterance: the matrix, the best models of each test, or figures only.

Usage:   wespk score-matrix [options] XVECTOR.SCP [TEST.SCP]
Example: wespk score-matrix --mean exp/ecapa/final/mean.vec --utt2spk data/test/utt2spk \\
           exp/ecapa/embeddings/test/xvector.scp
         wespk score-matrix --enrol data/test/enrol --top-k 5 exp/ecapa/scores/test.best \\
           exp/ecapa/embeddings/test/xvector.scp

Models are the utterances of XVECTOR.SCP, or what --enrol or --enrol-vectors make of them; tests are the
utterances of TEST.SCP, without it those of XVECTOR.SCP too. Scores are cosines, with --plda its
log-likelihood ratios. At least one output is to be asked for:

--out OUT.scp      OUT.scp and OUT.ark hold a vector for each model, its scores with the tests in the order of
                   OUT.ids, which has a test id a line
--top-k K FILE     FILE has lines `test-id model-id score`, for each test the K best models from the best down
--utt2spk FILE     EER and minDCF over all pairs, of which nothing is kept. They are computed from counts in
                   fine bins of scores, and are printed with the interval in which the exact figures lie

Where both sides are one file, --top-k and --utt2spk leave out an utterance against itself and against a
model that it enrols, unless there is --include-self; and where each utterance is a model, --utt2spk counts a
pair once and not in both directions. Memory does not grow with the number of pairs.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator

import numpy as np

from wespk.backend.scorer import PairScorer
from wespk.cli.options import add_points, positive
from wespk.cli.plda_options import add_plda, described_scorer, end_with_length, scorer_of
from wespk.cli.scoring import Sides, add_enrolment, error_of, load_sides
from wespk.cli.transforms import add_transforms
from wespk.core.errors import WespkError
from wespk.core.files import atomic_path, write_text
from wespk.core.progress import say, track
from wespk.data.archives import write_archive
from wespk.data.tables import read_table
from wespk.metrics.binned import BinnedScores
from wespk.metrics.bounds import min_dcf_bounds
from wespk.metrics.error_rates import eer, eer_bounds
from wespk.metrics.points import OperatingPoint

BLOCK_CELLS = 1 << 23  # scores held at once: 32 MB of cosines, 64 MB of ratios
OUTPUTS = ("out", "top_k")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings of the models' side")
    parser.add_argument("test", metavar="TEST.SCP", nargs="?", help="embeddings of the other side")
    parser.add_argument("--out", metavar="OUT.scp", help="write all scores here")
    parser.add_argument(
        "--top-k", nargs=2, metavar=("K", "FILE"), help="write the K best models of each test"
    )
    parser.add_argument(
        "--utt2spk",
        action="append",
        metavar="FILE",
        help="speakers of both sides: print EER and minDCF over all pairs (may be repeated, once a side)",
    )
    add_points(parser, "operating point of minDCF, for --utt2spk", "0.01")
    parser.add_argument(
        "--include-self",
        action="store_true",
        help="keep an utterance against itself in --top-k and --utt2spk",
    )
    add_enrolment(parser)
    add_transforms(parser)
    add_plda(parser, required=False)
    parser.set_defaults(allow_missing=False)


def run(args: Namespace) -> None:
    """Make each output that is asked for."""
    if not (args.out or args.top_k or args.utt2spk):
        raise WespkError("no output: give --out OUT.scp, --top-k K FILE or --utt2spk FILE")
    if args.out and not args.out.endswith(".scp"):
        raise WespkError(f"--out {args.out}: name it OUT.scp; OUT.ark and OUT.ids come beside it")
    if args.point and not args.utt2spk:
        raise WespkError("--point is for --utt2spk FILE, without which no errors are counted; give it")
    if args.plda is not None:
        end_with_length(args)
    sides = load_sides(args)
    own = _own_pairs(args, sides)
    num_best = _num_best(args, sides, own)
    speakers = _speakers(args, sides) if args.utt2spk else None
    scorer = scorer_of(args, sides)
    say(f"{scorer.num_enrol} models x {scorer.num_test} tests by {described_scorer(args)}; {sides.about}")
    if args.out:
        _write_matrix(args.out, sides, scorer)
    if num_best:
        _write_best(args.top_k[1], sides, scorer, own, num_best)
    if speakers:
        start = time.monotonic()
        # Where both sides are the same utterances, the score of two is the same in both directions.
        counts = _count(scorer, *speakers, own, once=sides.enrol is sides.test)
        _say_figures(args, counts, time.monotonic() - start)


def _write_matrix(out: str, sides: Sides, scorer: PairScorer) -> None:
    def rows() -> Iterator[tuple[str, np.ndarray]]:
        models = list(sides.enrol_place)
        for part in _blocks(scorer.num_enrol, scorer.num_test):
            yield from zip(models[part], scorer.block(part).astype(np.float32, copy=False), strict=True)

    stem = out.removesuffix(".scp")
    write_text(f"{stem}.ids", "".join(f"{key}\n" for key in sides.test_place))
    write_archive(f"{stem}.ark", out, rows())
    say(
        f"{out}: a vector of {scorer.num_test} scores for each of {scorer.num_enrol} models; {stem}.ids has "
        "their test ids"
    )


def _write_best(path: str, sides: Sides, scorer: PairScorer, own: np.ndarray, num_best: int) -> None:
    models, tests = list(sides.enrol_place), list(sides.test_place)
    own = own[:, np.argsort(own[1], kind="stable")]
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as stream:
        for part in _blocks(scorer.num_test, scorer.num_enrol):
            scores = scorer.test_block(part)
            low, high = np.searchsorted(own[1], [part.start, part.stop])
            scores[own[1, low:high] - part.start, own[0, low:high]] = -np.inf
            best = np.sort(np.argpartition(scores, -num_best, axis=1)[:, -num_best:], axis=1)
            # Sorted once more, by score: of equal ones the model that comes first is the better.
            order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
            best = np.take_along_axis(best, order, axis=1)
            values = np.take_along_axis(scores, best, axis=1)
            owners = np.repeat(tests[part], num_best).tolist()
            lines = zip(
                owners, map(models.__getitem__, best.ravel().tolist()), values.ravel().tolist(), strict=True
            )
            stream.write("".join(map("%s %s %.7g\n".__mod__, lines)))
    say(f"{path}: the {num_best} best of {len(models)} models for each of {len(tests)} tests")


def _count(
    scorer: PairScorer, of_models: np.ndarray, of_tests: np.ndarray, own: np.ndarray, once: bool
) -> BinnedScores:
    """Count the scores of all pairs; with `once` those of each two utterances in one direction only.

    of_models (M,) and of_tests (N,) are the speakers as numbers; own (2, P) the pairs to leave out, which
    with `once` are the diagonal or none.
    """
    counts = BinnedScores(with_cllr=False)
    own = own[:, np.lexsort(own[::-1])]
    for part in _blocks(scorer.num_enrol, scorer.num_test):
        if once:
            of_part = of_models[part]
            square = scorer.block(part, part)
            upper = np.triu_indices(len(square), k=1 if own.size else 0)
            counts.add(square[upper], of_part[upper[0]] == of_part[upper[1]])
            rest = slice(part.stop, None)
            counts.add_block(scorer.block(part, rest), _same(of_part, of_tests[rest]))
            continue
        scores, same = scorer.block(part), _same(of_models[part], of_tests)
        low, high = np.searchsorted(own[0], [part.start, part.stop])
        if low < high:
            left_out = (own[0, low:high] - part.start) * scorer.num_test + own[1, low:high]
            same = np.setdiff1d(same, left_out, assume_unique=True)
            same -= np.searchsorted(left_out, same)  # their places once the others are gone
            counts.add_block(np.delete(scores.reshape(-1), left_out), same)
        else:
            counts.add_block(scores, same)
    return counts


def _same(of_models: np.ndarray, of_tests: np.ndarray) -> np.ndarray:
    """Return the flat positions, ascending, of the pairs of one speaker."""
    return np.flatnonzero(of_models[:, None] == of_tests)


def _say_figures(args: Namespace, counts: BinnedScores, seconds: float) -> None:
    try:
        curve = counts.curve()
    except WespkError as error:
        raise error_of(" and ".join(args.utt2spk), error) from None
    low, high = eer_bounds(curve)
    figures = [f"EER {100 * eer(curve).value:.4f} % (exactly in [{100 * low:.4f}, {100 * high:.4f}])"]
    for point in args.point or (OperatingPoint(0.01),):
        least, most = min_dcf_bounds(curve, point)
        figures.append(f"minDCF({point.name}) {most:.5f} (exactly in [{least:.5f}, {most:.5f}])")
    say(
        f"{counts.num_target} target and {counts.num_nontarget} nontarget pairs: {', '.join(figures)}; "
        f"bins of {counts.resolution:.3g}, {seconds:.1f} s"
    )


def _own_pairs(args: Namespace, sides: Sides) -> np.ndarray:
    """Return the model and the test, (2, P), of each pair in which an utterance meets itself."""
    if args.include_self or args.test or sides.enrolment is None:
        return np.empty((2, 0), dtype=np.intp)
    pairs = {
        (sides.enrol_place[model], sides.test_place[utt])
        for model, utts in sides.enrolment.items()
        for utt in utts
    }
    return np.array(sorted(pairs), dtype=np.intp).T


def _num_best(args: Namespace, sides: Sides, own: np.ndarray) -> int:
    """Return K of --top-k, 0 without it."""
    if not args.top_k:
        return 0
    try:
        number = positive(args.top_k[0])
    except ArgumentTypeError as error:
        raise WespkError(f"--top-k: {error}") from None
    most = len(sides.enrol) - int(np.bincount(own[1], minlength=1).max())
    if number > most:
        raise WespkError(f"--top-k {number}: a test has {most} models to be compared with; ask for fewer")
    return number


def _speakers(args: Namespace, sides: Sides) -> tuple[np.ndarray, np.ndarray]:
    """Return the speakers of the models and of the tests, as numbers."""
    table: dict[str, str] = {}
    for path in args.utt2spk:
        for utt, speaker in read_table(path).items():
            if table.setdefault(utt, speaker) != speaker:
                raise WespkError(
                    f"{path}: '{utt}' is of speaker '{speaker}' here and of '{table[utt]}' before"
                )
    where = " and ".join(args.utt2spk)
    number = {speaker: place for place, speaker in enumerate(sorted(set(table.values())))}

    def of(utt: str, what: str) -> int:
        if utt not in table:
            raise WespkError(f"{where}: no speaker of {what} '{utt}'; add it")
        return number[table[utt]]

    of_tests = np.array([of(utt, "test") for utt in sides.test_place], dtype=np.int32)
    if sides.enrolment is None:
        # A model averaged before is named by a speaker, or like an utterance.
        of_models = [number[name] if name in number else of(name, "model") for name in sides.enrol_place]
        return np.array(of_models, dtype=np.int32), of_tests
    of_models = []
    for model, utts in sides.enrolment.items():
        speakers = {of(utt, "enrolment utterance") for utt in utts}
        if len(speakers) > 1:
            raise WespkError(
                f"{args.enrol}: model '{model}' has utterances of {len(speakers)} speakers; mend the list"
            )
        of_models.append(speakers.pop())
    return np.array(of_models, dtype=np.int32), of_tests


def _blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield the rows in blocks of bounded size, showing progress."""
    size = max(1, BLOCK_CELLS // width)
    starts = range(0, rows, size)
    for start in track(starts, len(starts), "blocks of scores"):
        yield slice(start, min(start + size, rows))
