"""Make the data directories of AISHELL-1 from the corpus that get_corpus.py has found.

Usage:   local/prepare.py DATA
Example: local/prepare.py data

The official split becomes DATA/{train,dev,test}. As in Kaldi's recipe, recordings without a transcript are
not used; DATA/rejected.txt lists them.
"""

from __future__ import annotations

from pathlib import Path

from aishell import SPEAKERS, TRANSCRIPT, Recording, find_recordings, read_transcript

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.datadir import write_data_dir


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    args = parser.parse_args()
    with errors_for_people():
        prepare(args.data)


def prepare(data: Path) -> None:
    record = read_json(data / "corpus.json")
    folder = Path(record["corpus"])
    recordings = find_recordings(map(Path, record["folders"]))
    text = read_transcript(folder) if (folder / TRANSCRIPT).exists() else {}
    rejections = Rejections()
    for each in recordings:
        if text and each.name not in text:
            rejections.add(f"{each.spk}-{each.name}", f"untranscribed: {each.path}")
    rejections.write(data / "rejected.txt")
    say(rejections.summary("recordings", len(recordings)))
    parts: dict[str, dict[str, Recording]] = {part: {} for part in SPEAKERS}
    for each in recordings:
        if (utt := f"{each.spk}-{each.name}") not in rejections:
            parts[each.part][utt] = each
    for part, used in parts.items():
        if len({each.spk for each in used.values()}) < 2:
            raise WespkError(f"{folder}: fewer than 2 speakers of the {part} set; all three sets are needed")
    for part, used in parts.items():
        tables = {"text": {utt: text[each.name] for utt, each in used.items()}} if text else {}
        wav = {utt: str(each.path.resolve()) for utt, each in used.items()}
        written = write_data_dir(data / part, wav, {utt: each.spk for utt, each in used.items()}, **tables)
        say(str(written))


if __name__ == "__main__":
    main()
