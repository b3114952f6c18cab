"""The front of the `wespk` command: finds the verb, turns errors for people into one line and status 1."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

import wespk
from wespk.core.errors import WespkError, nearest
from wespk.core.process import restart_tuned

# In the order of a recipe's stages.
VERBS = {
    "validate-data": "check data directories: tables, audio, speakers shared between sets",
    "make-trials": "write trial and enrolment lists for a data directory",
    "compute-fbank": "compute filterbank features of one job's share of a data directory",
    "merge-jobs": "join the archives of finished jobs and account for every item",
    "train": "train an embedding network (alone, or under torchrun)",
    "average-models": "average the last epochs' weights into a model directory",
    "extract": "extract the embeddings of one job's share of a data directory",
    "compute-mean": "compute the mean of embeddings",
    "score-cosine": "score trials by the cosine, after mean subtraction if asked for",
    "train-plda": "train a PLDA model",
    "score-plda": "score trials by the PLDA log-likelihood ratio",
    "normalise-scores": "adaptive score normalisation (AS-norm) with a cohort",
    "calibrate": "learn calibration and thresholds on development trials",
    "evaluate": "compute EER, minDCF and other figures of score files",
    "report": "write the report page of an experiment and print its table",
}
TUNED = ("train", "extract")  # verbs whose speed depends on the process's settings


def main(argv: list[str] | None = None) -> None:
    """Run `wespk VERB ...` and exit."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview())
        sys.exit(0 if argv else 2)
    if argv[0] == "--version":
        print(f"wespk {wespk.__version__}")
        sys.exit(0)
    if argv[0] in TUNED:
        restart_tuned("wespk", argv)
    try:
        _run(argv[0], argv[1:])
    except WespkError as error:
        # One that comes out of a loader's worker process brings its traceback along, the message at the end.
        message = str(error).strip().splitlines()[-1].removeprefix("wespk.core.errors.WespkError: ")
        print(f"wespk {argv[0]}: error: {message}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:  # disk full, no permission, a file where a folder should be
        print(f"wespk {argv[0]}: error: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _run(verb: str, arguments: list[str]) -> None:
    if verb not in VERBS:
        raise WespkError(f"unknown verb: {nearest(verb, VERBS)}")
    module = import_module(f"wespk.cli.{verb.replace('-', '_')}")
    parser = argparse.ArgumentParser(
        prog=f"wespk {verb}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    module.run(parser.parse_args(arguments))


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = "\n".join(f"  {verb:{width}}  {summary}" for verb, summary in VERBS.items())
    hint = "`wespk VERB --help` shows a verb's usage and an example."
    return f"Usage: wespk VERB [options] ...\n\n{lines}\n\n{hint}"
