"""Find AN4, or download it from its public home, and note where it is.

Usage:   local/get_corpus.py CORPUS RECORD
Example: local/get_corpus.py data/download data/corpus.json

CORPUS is a folder that holds AN4 in any layout. If it does not exist it is made by downloading the corpus
(64 MB, free for any purpose, see its licence). RECORD gets the folder and what was found in it, as JSON.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from prepare import find_recordings, read_parts

from wespk.core.errors import WespkError
from wespk.core.files import digest, write_json
from wespk.core.progress import say

URL = "http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("record", type=Path, metavar="RECORD")
    parser.add_argument("--url", default=URL, help=f"where to download from (default {URL})")
    args = parser.parse_args()
    try:
        if not args.corpus.exists():
            download(args.url, args.corpus)
        files = find_recordings(args.corpus, set(read_parts()))
    except WespkError as error:
        sys.exit(f"get_corpus.py: error: {error}")
    names = [
        f"{path.relative_to(args.corpus)} {path.stat().st_size}" for paths in files.values() for path in paths
    ]
    found = {"speakers": len(files), "recordings": len(names), "digest": digest(*sorted(names))}
    write_json(args.record, {"corpus": str(args.corpus), **found})
    say(f"{args.corpus}: {found['recordings']} recordings of {found['speakers']} speakers")


def download(url: str, corpus: Path) -> None:
    """Fetch the archive and unpack it; `corpus` appears only when it is whole."""
    partial = corpus.with_name(f"{corpus.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    archive = partial / "archive.tar.gz"
    say(f"downloading {url}")
    try:
        with urllib.request.urlopen(url, timeout=60) as source, open(archive, "wb") as target:
            shutil.copyfileobj(source, target)
        with tarfile.open(archive) as packed:
            packed.extractall(partial, filter="data")
    except (OSError, urllib.error.URLError, tarfile.TarError, EOFError) as error:
        shutil.rmtree(partial)
        raise WespkError(
            f"{url}: {error}; download AN4 by hand and give its folder with --corpus DIR"
        ) from None
    archive.unlink()
    partial.rename(corpus)


if __name__ == "__main__":
    main()
