#!/usr/bin/env python3
"""Make Kaldi data directories of the mini corpus.

Usage:   python local/prepare.py <corpus> <data>
Example: python local/prepare.py corpus data

Writes <data>/{train,dev,test} with wav.scp, utt2spk, spk2utt, spk2gender, text, utt2session and
utt2language. The paths in wav.scp begin with <corpus> as given, so a relative one holds from here.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import read_text
from wespk.core.progress import say
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.datadir import write_data_dir

COLUMNS = ["utt", "spk", "set", "gender", "session", "language", "path", "text"]


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("corpus", type=Path, help="folder that make_corpus.py has made")
    parser.add_argument("data", type=Path, help="folder of the data directories")
    arguments = parser.parse_args()
    with errors_for_people():
        prepare(arguments.corpus, arguments.data)


def prepare(corpus: Path, data: Path) -> None:
    """Write one data directory for each set of the corpus, and check it."""
    rows = read_utterances(corpus)
    for set_name in dict.fromkeys(row["set"] for row in rows):
        chosen = [row for row in rows if row["set"] == set_name]
        written = write_data_dir(
            data / set_name,
            wav={row["utt"]: str(corpus / row["path"]) for row in chosen},
            utt2spk={row["utt"]: row["spk"] for row in chosen},
            spk2gender={row["spk"]: row["gender"] for row in chosen},
            text={row["utt"]: row["text"] for row in chosen},
            utt2session={row["utt"]: row["session"] for row in chosen},
            utt2language={row["utt"]: row["language"] for row in chosen},
        )
        say(str(written))


def read_utterances(corpus: Path) -> list[dict[str, str]]:
    """Return the rows of utterances.tsv. Raises `WespkError` when the corpus is not complete."""
    if not (corpus / "manifest.json").exists():
        raise WespkError(f"{corpus}: not complete; run `python local/make_corpus.py --out {corpus}`")
    table = corpus / "utterances.tsv"
    reader = csv.DictReader(io.StringIO(read_text(table)), delimiter="\t", quoting=csv.QUOTE_NONE)
    rows = list(reader)
    if reader.fieldnames != COLUMNS or not rows:
        raise WespkError(f"{table}: expected the columns {' '.join(COLUMNS)} and at least one utterance")
    gone = [row["path"] for row in rows if not (corpus / row["path"]).is_file()]
    if gone:
        raise WespkError(f"{corpus / gone[0]}: no such file ({len(gone)} are missing); run make_corpus.py")
    return rows


if __name__ == "__main__":
    main()
