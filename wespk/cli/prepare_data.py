"""Make a data directory of any corpus: a folder of speakers, a table, a list of labels, a pattern.

Usage:   wespk prepare-data [options] SOURCE OUT
Example: wespk prepare-data my_corpus data/train                  (my_corpus/SPEAKER/[SESSION/...]FILE)
         wespk prepare-data --dev 4 --test 6 my_corpus data       (data/train, data/dev, data/test)
         wespk prepare-data --speaker-column client_id --root clips validated.tsv data/train
         wespk prepare-data --root . list.txt data/train          (lines path<TAB>label)
         wespk prepare-data --regex '(?P<spk>[^/]+)_(?P<utt>[^/]+)\\.wav$' my_corpus data/train
         wespk prepare-data --enrol-list enrol.txt --trials-list trials.txt my_corpus data/test

SOURCE is a folder or, by its name's ending, a table .csv, .tsv or .jsonl with named columns, or else a list
of lines path<TAB>label. Audio is neither copied nor converted: wav.scp holds absolute paths. All headers are
read; what cannot be used is listed with the reason in OUT/not_prepared.txt. docs/own_corpus.md tells more.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from wespk.cli.options import add_max_rejected, positive
from wespk.core.errors import WespkError
from wespk.core.progress import say

if TYPE_CHECKING:
    from wespk.data.prepare.items import Found

ROLES = ("path", "speaker", "utt", "start", "end", "gender", "text")
# Options that say how to read one kind of source; given for another they would do nothing.
ONLY_FOR = {
    "speaker_level": "folder",
    "speaker_from": "folder",
    "pattern": "folder",
    "regex": "folder",
    "extensions": "folder",
    "root": "table or list",
    **{f"{role}_column": "table" for role in ROLES},
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder, table or list")
    parser.add_argument("out", type=Path, metavar="OUT", help="data directory; with --dev or --test, of them")
    parser.add_argument("--format", choices=("csv", "tsv", "jsonl", "list"), help="what SOURCE is, if a file")
    parser.add_argument("--overwrite", action="store_true", help="replace an OUT that holds other data")
    parser.add_argument("--genders", type=Path, metavar="FILE", help="lines `speaker m|f`, or with a header")
    parser.add_argument("--nj", type=positive, default=4, metavar="N", help="files read side by side (4)")
    add_max_rejected(parser, 0.01)

    folder = parser.add_argument_group("a folder")
    folder.add_argument(
        "--speaker-level", type=positive, metavar="N", help="the speaker is folder N below SOURCE (1)"
    )
    folder.add_argument("--speaker-from", choices=("parent",), help="the speaker is the folder of the file")
    folder.add_argument("--pattern", metavar="GLOB", help="take these files: 'a/**/*.wav', below SOURCE")
    folder.add_argument("--regex", metavar="RE", help="groups spk, session, utt in the path below SOURCE")
    folder.add_argument("--extensions", metavar="LIST", help="take these file endings: wav,flac")

    table = parser.add_argument_group("a table or a list")
    table.add_argument(
        "--root", type=Path, metavar="DIR", help="where relative paths begin (the table's folder)"
    )
    for role in ROLES:
        table.add_argument(
            f"--{role}-column", metavar="NAME", help=f"column of the {role} (guessed; none: not used)"
        )

    lists = parser.add_argument_group("test lists: paths below the folder SOURCE, every pair is a trial")
    lists.add_argument("--enrol-list", type=Path, metavar="FILE", help="lines path<TAB>label that enrol")
    lists.add_argument("--trials-list", type=Path, metavar="FILE", help="lines path<TAB>label that test")

    split = parser.add_argument_group("sets that share no speaker")
    split.add_argument("--dev", type=int, default=0, metavar="N", help="speakers of OUT/dev")
    split.add_argument("--test", type=int, default=0, metavar="N", help="speakers of OUT/test")
    split.add_argument("--seed", type=int, default=1, help="seed of the choice of speakers (1)")


def run(args: Namespace) -> None:
    """Find the items, make the tables, write them and print the counts."""
    from wespk.data.corpus import describe
    from wespk.data.prepare.corpus import make_corpus
    from wespk.data.prepare.trials import enrolment, find_in_test_lists
    from wespk.data.prepare.write import LEDGER, check_targets, publish, split_corpus
    from wespk.data.trial_lists import models_against_rest

    _check(args)
    is_split = bool(args.dev or args.test)
    names = [name for name, wanted in (("dev", args.dev), ("test", args.test)) if wanted]
    check_targets([args.out / name for name in ["train", *names]] if is_split else [args.out])
    models: dict[str, list[str]] = {}
    if args.enrol_list:
        found, models = find_in_test_lists(args.enrol_list, args.trials_list, args.source)
    else:
        found = _find(args)
    corpus = make_corpus(found, genders=args.genders, nj=args.nj, max_rejected=args.max_rejected, say=say)
    corpora = {args.out: corpus}
    if is_split:
        parts = split_corpus(corpus, args.dev, args.test, args.seed)
        corpora = {args.out / name: part for name, part in parts.items()}
    trials = None
    if models:
        enrolled = enrolment(models, corpus.utterance_of, corpus.utt2spk)
        trials = models_against_rest(corpus.utt2spk, enrolled), enrolled
    record = describe(args.source, args.source, map(Path, sorted(corpus.wav.values())))
    changed = publish(corpora, args.out, corpus, record, overwrite=args.overwrite, trials=trials)

    for note in corpus.notes:
        say(f"note: {note}")
    say(f"{args.source}: {corpus.counts()}")
    for folder, part in corpora.items():
        say(part.summary(str(folder)) + ("" if folder in changed else " (unchanged)"))
    if models:
        say(_counted(args.out))
    if corpus.unused:
        say(f"what was not used, and why: {args.out / LEDGER}")


def _find(args: Namespace) -> Found:
    from wespk.data.prepare.folders import find_in_folder
    from wespk.data.prepare.tables import Columns, find_in_list, find_in_table

    if args.source.is_dir():
        endings = [ending.strip().lower() for ending in (args.extensions or "").split(",")]
        return find_in_folder(
            args.source,
            speaker_level=args.speaker_level or 1,
            speaker_from_parent=args.speaker_from == "parent",
            pattern=args.pattern,
            regex=args.regex,
            suffixes=[f".{ending.lstrip('.')}" for ending in endings if ending],
        )
    if _kind(args) == "list":
        return find_in_list(args.source, args.root)
    columns = Columns(**{role: getattr(args, f"{role}_column") for role in ROLES})
    return find_in_table(args.source, _kind(args), args.root, columns)


def _kind(args: Namespace) -> str:
    """Return folder, csv, tsv, jsonl or list."""
    from wespk.data.prepare.tables import table_format

    return "folder" if args.source.is_dir() else args.format or table_format(args.source)


def _check(args: Namespace) -> None:
    """Refuse a source that is missing, and options that do not go with it or with each other."""
    if not args.source.exists():
        raise WespkError(f"{args.source}: no such folder or file")
    if bool(args.enrol_list) != bool(args.trials_list):
        raise WespkError("--enrol-list and --trials-list go together")
    kind = _kind(args)
    if args.enrol_list:
        if kind != "folder":
            raise WespkError(
                f"{args.source}: with --enrol-list SOURCE is the folder in which relative paths begin"
            )
        kind = "test lists"
        if args.dev or args.test:
            raise WespkError("--dev and --test do not go with --enrol-list, which makes one test set")
    fitting = {
        "folder": ("folder",),
        "list": ("table or list",),
        "test lists": (),
    }.get(kind, ("table", "table or list"))
    for option, sources in ONLY_FOR.items():
        if getattr(args, option) is not None and sources not in fitting:
            raise WespkError(
                f"--{option.replace('_', '-')} is for a {sources}; {args.source} is read as {kind}"
            )
    if args.format and args.source.is_dir():
        raise WespkError(f"--format {args.format}: {args.source} is a folder")
    ways = [name for name in ("speaker_level", "speaker_from", "regex") if getattr(args, name) is not None]
    if len(ways) > 1:
        raise WespkError(f"--{ways[0].replace('_', '-')} and --{ways[1].replace('_', '-')}: choose one")
    if args.dev < 0 or args.test < 0:
        raise WespkError("--dev and --test are numbers of speakers")
    if (
        args.source.is_dir()
        and args.out.resolve().is_relative_to(args.source.resolve())
        and not args.enrol_list
    ):
        raise WespkError(f"{args.out}: lies in the corpus itself; give a folder outside {args.source}")


def _counted(out: Path) -> str:
    from wespk.data.trials import read_trials

    return str(read_trials(out / "trials"))
