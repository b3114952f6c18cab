"""Average the embeddings of each model's enrolment utterances, and count these.

Usage:   wespk average-enrolment [options] XVECTOR.SCP ENROL OUT
Example: wespk average-enrolment exp/ecapa/embeddings/test/xvector.scp data/test/enrol exp/ecapa/enrolled/test
         wespk score-plda --enrol-vectors exp/ecapa/enrolled/test/xvector.scp \\
           --num-utts exp/ecapa/enrolled/test/num_utts ...

ENROL has lines `model-id utt utt ...`. OUT is a folder, which gets xvector.scp and xvector.ark, keyed by
model, num_utts with lines `model-id count`, and enrolment.json, the record of the policy; or FILE.scp (or
FILE.ark), with FILE.num_utts and FILE.json. Averages are of the embeddings as they are (raw, as in Kaldi's
recipes), or of each at length 1; the average itself is not normalised. Transforms, as far as given, are
applied to the utterances' embeddings, before the average.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from wespk.backend import average_per_model
from wespk.cli.scoring import POLICIES, refuse_zero
from wespk.cli.transforms import add_text, add_transforms, described_steps, transform
from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.specifiers import STANDARD, Target
from wespk.data.tables import write_table
from wespk.data.trials import flat_enrolment, read_enrolment
from wespk.data.vector_tables import NAME, read_vector_table, target_name, vector_target, write_vectors

OUTPUTS = ("out",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings of the utterances")
    parser.add_argument("enrol", type=Path, metavar="ENROL", help="lines `model-id utt utt ...`")
    parser.add_argument("out", metavar="OUT", help="output")
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        default=POLICIES[0],
        help="average the embeddings as they are, or each at length 1 (raw)",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="average without the utterances that have no embedding; they are counted and listed",
    )
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Average and write."""
    target = vector_target(args.out, args.text)
    counts_file, record_file = _files_beside(target)
    enrolment = read_enrolment(args.enrol)
    keys, rows = read_vector_table(args.embeddings)
    place = {key: row for row, key in enumerate(keys)}
    present, missing = _present(args, enrolment, place)
    used, owner = flat_enrolment(present.values())
    mapped = transform(args, used, rows[[place[utt] for utt in used]], args.embeddings)
    if args.policy != "raw":
        refuse_zero(used, mapped, args.embeddings)
    averages, counts = average_per_model(mapped, owner, len(present), args.policy.replace("-", "_"))
    write_vectors(target, list(present), averages)
    write_table(counts_file, dict(zip(present, counts.tolist(), strict=True)))
    record = {
        "embeddings": str(args.embeddings),
        "enrolment": str(args.enrol),
        "policy": args.policy,
        "transforms": described_steps(args),
        "models": len(present),
        "utterances": len(used),
        "missing": missing,
    }
    write_json(record_file, record)
    size = f"{len(present)} models of {averages.shape[1]} dimensions, {args.policy} averages of {len(used)}"
    say(f"{target_name(target)}: {size} enrolment utterances; steps: {described_steps(args)}")
    if missing:
        count = sum(map(len, missing.values()))
        say(f"{record_file}: {count} utterances, of {len(missing)} models, have no embedding; listed there")


def _files_beside(target: Target) -> tuple[Path, Path]:
    """Return the files of the counts and of the record that go with the table."""
    if target.ark == STANDARD:
        raise WespkError("OUT: averages go with their counts in a file beside them; name a file or a folder")
    table = Path(target_name(target))
    if table.name == f"{NAME}.scp":
        return table.with_name("num_utts"), table.with_name("enrolment.json")
    return table.with_suffix(".num_utts"), table.with_suffix(".json")


def _present(
    args: Namespace, enrolment: Mapping[str, Sequence[str]], place: Mapping[str, int]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the utterances of each model that have an embedding, and those that do not."""
    present = {model: [utt for utt in utts if utt in place] for model, utts in enrolment.items()}
    missing = {model: [utt for utt in utts if utt not in place] for model, utts in enrolment.items()}
    missing = {model: utts for model, utts in missing.items() if utts}
    if missing and not args.allow_missing:
        model, utts = next(iter(missing.items()))
        count = sum(map(len, missing.values()))
        raise WespkError(
            f"{args.enrol}: utterance '{utts[0]}' of model '{model}' is not in {args.embeddings} ({count} "
            f"missing, in {len(missing)} of {len(enrolment)} models); extract them, or leave them out by "
            "--allow-missing"
        )
    empty = [model for model, utts in present.items() if not utts]
    if empty:
        raise WespkError(
            f"{args.enrol}: none of the utterances of model '{empty[0]}' is in {args.embeddings} "
            f"({len(empty)} models so); extract them or take the model off the list"
        )
    return present, missing
