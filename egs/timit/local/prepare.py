"""Make the data directories of TIMIT, and the enrolment lists, from the corpus that get_corpus.py has found.

Usage:   local/prepare.py [--num-enrol N] DATA
Example: local/prepare.py --num-enrol 3 data

DATA/{train,dev,test} follow local/speakers.tsv: dev is held out of the official training speakers. Dev and
test leave SA1 and SA2 out, which all speakers share. DATA/local/enrol.{dev,test} name N SX sentences for each
speaker, the first of its order in local/speakers.tsv. utt2sentence tells which sentence an utterance is.
"""

from __future__ import annotations

from pathlib import Path

from timit import PARTS, Recording, find_recordings, read_speakers

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.core.progress import say
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.datadir import write_data_dir
from wespk.data.tables import write_table


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--num-enrol", type=int, choices=range(1, 5), default=3)
    args = parser.parse_args()
    with errors_for_people():
        prepare(args.data, args.num_enrol)


def prepare(data: Path, num_enrol: int) -> None:
    corpus = Path(read_json(data / "corpus.json")["corpus"])
    speakers = read_speakers()
    parts: dict[str, list[Recording]] = {part: [] for part in PARTS}
    for each in find_recordings(corpus):
        part = speakers[each.spk].part
        if part == "train" or each.kind != "SA":
            parts[part].append(each)
    for part, recordings in parts.items():
        if len({each.spk for each in recordings}) < 2:
            raise WespkError(f"{corpus}: fewer than 2 speakers of the {part} set; all three sets are needed")
    for part, recordings in parts.items():
        utt2spk = {each.utt: each.spk for each in recordings}
        written = write_data_dir(
            data / part,
            wav={each.utt: str(each.path.resolve()) for each in recordings},
            utt2spk=utt2spk,
            spk2gender={spk: spk[0].lower() for spk in utt2spk.values()},  # ids begin with the sex
            utt2sentence={each.utt: each.sentence for each in recordings},
        )
        say(str(written))
        if part != "train":
            write_enrolment(data / "local" / f"enrol.{part}", recordings, num_enrol)


def write_enrolment(path: Path, recordings: list[Recording], num_enrol: int) -> None:
    """Write model -> utterances; speakers with too few SX sentences, of a partial corpus, are named."""
    table, left_out = {}, []
    for spk, speaker in read_speakers().items():
        sx = sorted((each for each in recordings if (each.spk, each.kind) == (spk, "SX")), key=_number)
        order = [place for place in speaker.enrol_order if place <= len(sx)][:num_enrol]
        if sx and len(order) < num_enrol:
            left_out.append(spk)
        elif sx:
            table[spk] = " ".join(sx[place - 1].utt for place in sorted(order))
    write_table(path, table)
    unused = f"; too few SX sentences to enrol {', '.join(left_out)}" if left_out else ""
    say(f"{path}: {len(table)} models of {num_enrol} sentences{unused}")


def _number(recording: Recording) -> int:
    return recording.number


if __name__ == "__main__":
    main()
