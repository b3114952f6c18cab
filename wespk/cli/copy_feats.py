"""Copy features or other matrices and vectors: compressed, uncompressed, as text, a range of frames.

Usage:   wespk copy-feats [options] IN OUT
Example: wespk copy-feats scp:data/train/feats.scp ark,scp:out/feats.ark,out/feats.scp
         wespk copy-feats --compression automatic ark:feats.ark ark,scp:small.ark,small.scp
         wespk copy-feats scp:feats.scp ark,t:- | less

IN and OUT are Kaldi's specifiers: scp:FILE or ark:FILE to read; ark:FILE, ark,scp:FILE,FILE, with t for text,
to write; - is the standard output. Entries of an scp may choose frames and columns, as in
`utt feats.ark:1234[10:209]` or `...[:,0:12]`, first and last included.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from wespk.core.progress import track
from wespk.data.compression import METHODS, NONE, method_name


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", metavar="IN", help="table to read")
    parser.add_argument("target", metavar="OUT", help="table to write")
    parser.add_argument(
        "--compression",
        default=NONE,
        metavar="METHOD",
        help=f"one of {', '.join([NONE, *METHODS])}, or Kaldi's number of it (default {NONE})",
    )


def run(args: Namespace) -> None:
    """Copy, and print the counts."""
    from wespk.data.specifiers import STANDARD, parse_source, parse_target

    source, target = parse_source(args.source), parse_target(args.target)
    compression = method_name(args.compression)
    items, total = source.read()
    if total is not None:
        items = track(items, total, "copy-feats")
    rows = target.write(items, compression)
    # The standard output may be the table.
    to = sys.stderr if target.ark == STANDARD else sys.stdout
    print(f"{args.target}: {len(rows)} entries, {sum(rows.values())} rows", file=to, flush=True)
