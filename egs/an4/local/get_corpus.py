"""Find AN4, or download it from its public home, and note where it is.

Usage:   local/get_corpus.py [options] DATA
Example: local/get_corpus.py data                        (downloads 64 MB, free for any purpose)
         local/get_corpus.py --corpus /corpora/an4 data

The corpus may be in any layout. DATA/corpus.json tells what was found.
"""

from __future__ import annotations

from pathlib import Path

from prepare import find_recordings, read_parts

from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.corpus import describe
from wespk.data.download import download_and_unpack

URL = "http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz"


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="folder of the corpus (default: download)")
    parser.add_argument("--url", default=URL, help=f"where to download from (default {URL})")
    args = parser.parse_args()
    with errors_for_people():
        corpus = args.corpus or args.data / "download"
        if args.corpus is None:
            download_and_unpack([args.url], corpus)
        files = find_recordings(corpus, set(read_parts()))
        record = describe(corpus, args.corpus, [path for paths in files.values() for path in paths])
        write_json(args.data / "corpus.json", record)
        say(f"{corpus}: {record['recordings']} recordings of {len(files)} speakers")


if __name__ == "__main__":
    main()
