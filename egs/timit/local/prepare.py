"""Make the data directories of TIMIT, and the enrolment lists, from the corpus that get_corpus.py has found.

Usage:   local/prepare.py [--num-enrol N] DATA
Example: local/prepare.py --num-enrol 3 data

DATA/{train,dev,test} follow local/speakers.tsv: dev is held out of the official training speakers. Dev and
test leave SA1 and SA2 out, which all speakers share. DATA/local/enrol.{dev,test} name N SX sentences for each
speaker, the first of its order in local/speakers.tsv. utt2sentence tells which sentence an utterance is.
"""

from __future__ import annotations

from pathlib import Path

from timit import PARTS, Recording, Speaker, find_recordings, read_speakers

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
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
    recordings = find_recordings(corpus)
    sx: dict[str, list[Recording]] = {spk: [] for spk in speakers}
    for each in recordings:
        if each.kind == "SX":
            sx[each.spk].append(each)
    enrolment = {spk: enrol(speakers[spk], sx[spk], num_enrol) for spk in speakers}
    parts: dict[str, list[Recording]] = {part: [] for part in PARTS}
    rejections, num_shared = Rejections(), 0
    for each in recordings:
        part = speakers[each.spk].part
        if part == "train":
            parts[part].append(each)
        elif each.kind == "SA":
            num_shared += 1
        elif enrolment[each.spk]:
            parts[part].append(each)
        else:
            rejections.add(each.utt, f"cannot enrol: fewer than {num_enrol} SX sentences of {each.spk}")
    for part, used in parts.items():
        if len({each.spk for each in used}) < 2:
            raise WespkError(f"{corpus}: fewer than 2 speakers of the {part} set; all three sets are needed")
    rejections.write(data / "rejected.txt")
    say(
        rejections.summary("recordings", len(recordings))
        + f"; {num_shared} SA sentences stay out of the lists"
    )
    for part, used in parts.items():
        utt2spk = {each.utt: each.spk for each in used}
        written = write_data_dir(
            data / part,
            wav={each.utt: str(each.path.resolve()) for each in used},
            utt2spk=utt2spk,
            spk2gender={spk: spk[0].lower() for spk in utt2spk.values()},  # ids begin with the sex
            utt2sentence={each.utt: each.sentence for each in used},
        )
        say(str(written))
        if part != "train":
            models = {spk: " ".join(enrolment[spk]) for spk in set(utt2spk.values())}
            write_table(data / "local" / f"enrol.{part}", models)


def enrol(speaker: Speaker, recordings: list[Recording], num_enrol: int) -> list[str]:
    """Return which of its SX sentences enrol a speaker of dev or test, none if there are too few."""
    sx = sorted(recordings, key=lambda each: each.number)
    order = [place for place in speaker.enrol_order if place <= len(sx)]
    return [sx[place - 1].utt for place in sorted(order[:num_enrol])] if len(order) >= num_enrol else []


if __name__ == "__main__":
    main()
