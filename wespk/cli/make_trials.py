"""Write a trial list and its enrolment list into a data directory.

Usage:   wespk make-trials [options] DATA
Example: wespk make-trials data/test                            (all pairs: data/test/trials, data/test/enrol)
         wespk make-trials --num-enrol 3 --suffix _3 data/test  (data/test/trials_3, data/test/enrol_3)

Without --num-enrol and --enrol every unordered pair of utterances is a trial, and each utterance a model of
its own. With --num-enrol each speaker becomes a model of N utterances, with --enrol the list says which
utterances enrol which model; both are tested by all utterances that enrol nobody. Choices depend on the
seed and the utterance ids alone, so a list is the same everywhere.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.options import positive
from wespk.core.errors import WespkError
from wespk.core.files import atomic_path, write_text
from wespk.core.progress import say
from wespk.data.datadir import load_data_dir
from wespk.data.tables import read_table, write_table
from wespk.data.trial_lists import all_pairs, choose_enrolment, models_against_rest, same_text, thin_out
from wespk.data.trials import read_enrolment, read_trials


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory")
    models = parser.add_mutually_exclusive_group()
    models.add_argument("--num-enrol", type=positive, metavar="N", help="enrolment utterances a speaker")
    models.add_argument("--enrol", type=Path, metavar="LIST", help="take the models of this enrolment list")
    parser.add_argument("--suffix", default="", help="ending of the files' names, for a second list")
    parser.add_argument("--seed", type=int, default=1, help="seed of all choices (1)")
    parser.add_argument(
        "--utts-per-speaker", type=positive, metavar="N", help="use at most N utterances of each speaker"
    )
    parser.add_argument(
        "--apart",
        action="append",
        default=[],
        metavar="SPK,SPK",
        help="make no trial between these two speakers, who may be one person; may be repeated",
    )
    parser.add_argument(
        "--text",
        type=Path,
        metavar="TABLE",
        help="table `utt text`: list nontarget trials of a text that enrolled the model in DATA/same_text",
    )


def run(args: Namespace) -> None:
    """Make the lists, write them and print their counts."""
    utt2spk = load_data_dir(args.data).utt2spk
    apart = [_pair(text, set(utt2spk.values())) for text in args.apart]
    text = read_table(args.text) if args.text else None
    if args.utts_per_speaker and args.enrol:
        raise WespkError("--utts-per-speaker: does not go with --enrol, which names utterances itself")
    if args.utts_per_speaker:
        utt2spk = thin_out(utt2spk, args.utts_per_speaker, args.seed)
    if args.enrol or args.num_enrol:
        enrolment = (
            read_enrolment(args.enrol) if args.enrol else choose_enrolment(utt2spk, args.num_enrol, args.seed)
        )
        lines = models_against_rest(utt2spk, enrolment, apart)
    else:
        enrolment = {utt: [utt] for utt in utt2spk}
        lines = all_pairs(utt2spk, apart)
    path = args.data / f"trials{args.suffix}"
    targets = total = 0
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        for part in lines:
            stream.write(part)
            targets += part.count(" target\n")
            total += part.count("\n")
        if not total:
            raise WespkError(
                f"{args.data}: no two of its utterances may meet in a trial; there is none to make"
            )
    write_table(args.data / f"enrol{args.suffix}", {model: " ".join(enrolment[model]) for model in enrolment})
    say(f"{path}: {targets} target and {total - targets} nontarget trials")
    if targets == total:
        say("no nontarget trials: no error rate can be told; a directory of two speakers or more is needed")
    if not targets:
        say("no target trials: no error rate can be told; two utterances or more of a speaker are needed")
    if text is not None:
        flagged = list(same_text(read_trials(path), enrolment, text))
        write_text(args.data / f"same_text{args.suffix}", "".join(flagged))
        say(f"{args.data / f'same_text{args.suffix}'}: {len(flagged)} nontarget trials of an enrolled text")


def _pair(text: str, speakers: set[str]) -> tuple[str, str]:
    pair = text.split(",")
    if len(pair) != 2 or pair[0] == pair[1]:
        raise WespkError(f"--apart {text}: write it as two speaker ids with a comma")
    for spk in pair:
        if spk not in speakers:  # of another set or fold, or mistyped
            say(f"--apart {text}: no speaker '{spk}' here")
    return pair[0], pair[1]
