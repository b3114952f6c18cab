"""The front of the `wespk` command: finds the verb, turns errors for people into one line and status 1."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import wespk
from wespk.core.errors import WespkError, nearest
from wespk.core.process import restart_tuned
from wespk.core.script import doc_parser, errors_for_people

# In the order of a recipe's stages.
VERBS = {
    "prepare-data": "make a data directory of any corpus: a folder of speakers, a table, a list, a pattern",
    "validate-data": "check data directories: tables, audio, what they share",
    "fix-data": "repair a data directory: sort, intersect, drop what cannot be used; keeps a backup",
    "subset-data": "take some utterances of a data directory",
    "split-data": "split a data directory into parts, by speaker or by utterance",
    "combine-data": "join data directories",
    "copy-data": "copy a data directory with prefixes and suffixes on its ids",
    "data-stats": "print speakers, hours, durations, rates and genders of data directories",
    "augment-data": "make augmented copies of a data directory: speed, noise, music, babble, rooms, codecs",
    "make-trials": "write trial and enrolment lists for a data directory",
    "validate-trials": "check trials and enrolment against a data directory or embeddings",
    "compute-fbank": "compute filterbank features of one job's share of a data directory",
    "compute-mfcc": "compute MFCC, likewise",
    "compute-spectrogram": "compute log power spectra, likewise",
    "compute-mel-spectrogram": "compute log-Mel spectrograms (torchaudio's definition), likewise",
    "compute-vad": "decide which frames hold speech",
    "apply-cmvn": "subtract the mean of features, over utterances or a sliding window",
    "select-voiced-frames": "keep the frames that hold speech",
    "copy-feats": "copy features: compressed, uncompressed, as text, a range of frames",
    "feats-stats": "print sizes, ranges, means and deviations of features",
    "merge-jobs": "join the archives of finished jobs and account for every item",
    "models": "print the networks that a recipe can name, with their sizes, or the layers of one",
    "train": "train an embedding network (alone, or under torchrun)",
    "average-models": "average the last epochs' weights into a model directory",
    "extract": "extract the embeddings of one job's share of a data directory",
    "evaluate-epochs": "compute the EER of each epoch's weights on development trials",
    "compute-mean": "compute the mean of embeddings, of all or of each domain",
    "compute-whitening": "compute a whitening of embeddings",
    "compute-wccn": "compute within-class covariance normalisation",
    "compute-lda": "compute LDA, a map to fewer dimensions that tell speakers apart",
    "compute-coral": "compute the map that gives embeddings the covariance of another domain (CORAL)",
    "transform-vectors": "apply means, matrices and length normalisation to embeddings",
    "average-enrolment": "average the embeddings of each model's enrolment utterances",
    "score-cosine": "score trials by the cosine, after mean subtraction if asked for",
    "train-plda": "train a PLDA model",
    "adapt-plda": "adapt a PLDA model to another domain, with or without labels",
    "score-plda": "score trials by the PLDA log-likelihood ratio",
    "score-matrix": "score every model against every test utterance",
    "normalise-scores": "score normalisation (Z, T, S, adaptive S-norm) with a cohort",
    "compute-quality": "write quality measures of utterances: duration, magnitude, voiced frames",
    "calibrate": "learn calibration, fusion and thresholds on development trials, or apply them",
    "evaluate": "compute EER, minDCF and other figures of score files, with intervals",
    "identify": "compute the accuracy of closed-set identification of score files",
    "compare": "set two experiments side by side, with the significance of their difference",
    "map-embeddings": "draw embeddings in two dimensions, for the report",
    "report": "write the report page of an experiment and print its table",
    "results": "write the tables of RESULTS.md from experiments",
}
TUNED = (
    "train",
    "extract",
    "compute-fbank",
    "compute-mfcc",
)  # verbs whose speed depends on the process's settings


def main(argv: list[str] | None = None) -> None:
    """Run `wespk VERB ...` and exit; with `argv` in this process as it is, which is never replaced then."""
    is_program = argv is None
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview())
        sys.exit(0 if argv else 2)
    if argv[0] == "--version":
        print(f"wespk {wespk.__version__}")
        sys.exit(0)
    if is_program and argv[0] in TUNED:
        restart_tuned("wespk", argv)
    with errors_for_people(f"wespk {argv[0]}"):
        _run(argv[0], argv[1:])


def _run(verb: str, arguments: list[str]) -> None:
    if verb not in VERBS:
        raise WespkError(f"unknown verb: {nearest(verb, VERBS)}")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where networks and denoisers named by dotted path are looked for
    module = import_module(f"wespk.cli.{verb.replace('-', '_')}")
    parser = doc_parser(module.__doc__, f"wespk {verb}")
    module.add_arguments(parser)
    args = parser.parse_args(arguments)
    if hasattr(module, "OUTPUTS"):
        from wespk.cli.options import keep_inputs

        keep_inputs(args, module.OUTPUTS)
    args.verb, args.argv = verb, arguments  # for verbs that run themselves in several processes
    module.run(args)


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = "\n".join(f"  {verb:{width}}  {summary}" for verb, summary in VERBS.items())
    hint = "`wespk VERB --help` shows a verb's usage and an example."
    return f"Usage: wespk VERB [options] ...\n\n{lines}\n\n{hint}"
