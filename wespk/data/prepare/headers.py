"""Reading the headers of a corpus's recordings, and judging by them what can be used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from wespk.core.progress import track
from wespk.data.audio import AudioError, AudioInfo, audio_info
from wespk.data.prepare.items import Item

AT_ONCE = 4096  # files whose headers are being read
END_TOLERANCE_S = 0.5  # as in Kaldi, a segment may end so much after its recording
SHORTEST_S = 1e-5  # the tables hold microseconds, and nothing may last 0 of them

Headers = Mapping[str, AudioInfo | AudioError]


def read_headers(paths: Sequence[str], nj: int) -> Headers:
    """Return what each file's header says, or why it cannot be used. `nj` files are read at a time."""
    with ThreadPoolExecutor(nj) as pool:
        return dict(track(_in_batches(pool, iter(paths)), len(paths), "reading headers"))


def judge_audio(items: Iterable[Item], headers: Headers) -> Iterator[tuple[Item, str]]:
    """Yield each item with the fault of its recording, or of its place in it, or ""."""
    for item in items:
        header = headers[item.path]
        if isinstance(header, AudioError):
            yield item, str(header)
        elif item.end is not None and item.end > header.seconds + END_TOLERANCE_S:
            yield item, f"segment outside: ends at {item.end:g} s of {header.seconds:.2f} s"
        elif item.start is not None and item.start >= header.seconds:
            yield item, f"segment outside: starts at {item.start:g} s of {header.seconds:.2f} s"
        elif (length := min(item.end or math.inf, header.seconds) - (item.start or 0)) < SHORTEST_S:
            yield item, f"too short: {length:g} s"
        else:
            yield item, ""


def audio_notes(headers: Iterable[AudioInfo]) -> list[str]:
    """Return a line on the rates of usable recordings, and how to go on where they or the channels differ."""
    headers = list(headers)
    rates = Counter(header.sample_rate for header in headers)
    channels = Counter(header.channels for header in headers if header.channels > 1)
    shown = ", ".join(f"{count} of {rate} Hz" for rate, count in sorted(rates.items()))
    notes = [f"recordings: {shown}"]
    if len(rates) > 1:
        notes.append(
            "features are computed at one rate, --sample-frequency of conf/fbank.conf: recordings of others "
            "need `wespk compute-fbank --allow-downsample=true` or --allow-upsample=true"
        )
    for number, count in sorted(channels.items()):
        notes.append(
            f"{count} recordings have {number} channels: `wespk compute-fbank --channel N` takes channel N "
            "(from 0), --channel=mix their mean"
        )
    return notes


def _in_batches(
    pool: ThreadPoolExecutor, paths: Iterator[str]
) -> Iterator[tuple[str, AudioInfo | AudioError]]:
    while batch := list(islice(paths, AT_ONCE)):
        yield from zip(batch, pool.map(_header, batch), strict=True)


def _header(path: str) -> AudioInfo | AudioError:
    try:
        header = audio_info(path)
    except AudioError as error:
        return AudioError(str(error)).with_traceback(None)
    if header.num_samples == 0:
        return AudioError("empty: there are no samples")
    return header
