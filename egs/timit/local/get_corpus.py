"""Find TIMIT in any of its shapes, check that all of it is there, and note where.

Usage:   local/get_corpus.py [--allow-partial true] --corpus DIR DATA
Example: local/get_corpus.py --corpus /corpora/timit data

TIMIT is licensed by the Linguistic Data Consortium (LDC93S1) and never downloaded. 462 training and 168 test
speakers with 10 sentences each must be there. DATA/corpus.json tells what was found.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from timit import PARTS, find_recordings, first_difference, read_speakers

from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.corpus import describe


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--corpus", required=True, metavar="DIR", help="folder of the corpus")
    parser.add_argument(
        "--allow-partial", choices=("true", "false"), default="false", help="use what there is of the corpus"
    )
    args = parser.parse_args()
    with errors_for_people():
        get_corpus(args.corpus, args.data, args.allow_partial == "true")


def get_corpus(corpus: str, data: Path, partial: bool) -> None:
    if not corpus:
        raise WespkError("TIMIT is licensed (LDC93S1) and not downloaded; give your copy with --corpus DIR")
    recordings = find_recordings(Path(corpus))
    speakers = read_speakers()
    counts = Counter(speakers[spk].part for spk in {each.spk for each in recordings})
    say(
        f"{corpus}: {len(recordings)} of 6300 recordings; speakers: "
        + ", ".join(f"{counts[part]} {part}" for part in PARTS)
    )
    what, count = first_difference(recordings)
    if count:
        if not partial:
            raise WespkError(
                f"{corpus}: {what} ({count} of 6300 recordings are missing or too many); complete the "
                "copy, or use what there is: --allow_partial true"
            )
        say(f"{what}, and so on: {count} recordings are missing or too many")
    record = describe(corpus, corpus, [each.path for each in recordings])
    write_json(data / "corpus.json", record)


if __name__ == "__main__":
    main()
