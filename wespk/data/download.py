"""Downloads that go on where they were cut off, are checked, and are unpacked whole or not at all."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, file_digest
from wespk.core.progress import Ticker, clock, say

BLOCK = 1 << 20
ROUNDS = 5  # visits to each mirror in which nothing arrives, before giving up
PAUSE_S = 1.0  # before another round; twice as long after each in which nothing arrived
TIMEOUT_S = 60


def download(
    urls: Sequence[str], path: PathLike, md5: str = "", sleep: Callable[[float], object] = time.sleep
) -> None:
    """Fetch a file from the first of its mirrors that answers; `path` appears when it is whole and right.

    What has arrived is kept in ``PATH.part``, and another call, or another mirror, goes on from there. With
    `md5` (hexadecimal) the content is checked. A file that is there already is only checked.

    Raises `WespkError` when no mirror delivers, and for a wrong checksum; the next call then begins afresh.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(urls, part, sleep)
    source = path if path.exists() else part
    if md5 and (found := file_digest(source, "md5")) != md5:
        source.unlink()
        raise WespkError(
            f"{urls[0]}: the download has MD5 {found} where {md5} is right; it was removed, run this again"
        )
    if source is part:
        part.rename(path)


def unpack(archive: PathLike, folder: PathLike) -> None:
    """Unpack a tar archive, gzipped or not; `folder` appears when all of it is there.

    What an earlier call left half done is done again. Raises `WespkError` for a damaged archive and for one
    that would write outside of the folder.

    tarfile alone would take an archive that is damaged in the middle for one that ends there.
    """
    folder = Path(folder)
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with open(archive, "rb") as stream, _decompressed(stream) as content:
            with tarfile.open(fileobj=content, mode="r|") as packed:
                for member in packed:
                    packed.extract(_safe(member), partial, set_attrs=False)
            while content.read(BLOCK):  # to the end, where the checksum is
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise WespkError(
            f"{archive}: cannot be unpacked ({' '.join(str(error).split())}); is it whole, and is there room?"
        ) from None
    partial.rename(folder)


def download_and_unpack(urls: Sequence[str], folder: PathLike, md5: str = "") -> None:
    """Fetch an archive and unpack it; `folder` appears when it is whole, and the archive is removed then.

    Another call goes on where one was interrupted, and has nothing to do when `folder` is there. Raises
    `WespkError` as `download` and `unpack` do.
    """
    folder = Path(folder)
    archive = folder.with_name(f"{folder.name}.archive")
    if not folder.exists():
        try:
            download(urls, archive, md5)
        except WespkError as error:
            raise WespkError(
                f"{error}; or download it by hand and give its folder with --corpus DIR"
            ) from None
        say(f"unpacking {archive}")
        try:
            unpack(archive, folder)
        except WespkError:
            if not md5:  # else it is what it should be, and the disk may be full
                archive.unlink(missing_ok=True)
            raise
    archive.unlink(missing_ok=True)


def _decompressed(stream: BinaryIO) -> BinaryIO:
    """Return the content of a gzip file, or the stream itself when it is none."""
    magic = stream.read(2)
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream) if magic == b"\x1f\x8b" else stream  # type: ignore[return-value]


def _safe(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Refuse what would write outside of the folder, and all but files and folders."""
    parts = Path(member.name).parts
    if Path(member.name).is_absolute() or ".." in parts or not (member.isfile() or member.isdir()):
        raise tarfile.TarError(f"'{member.name}' is not a plain file in the archive's own folders")
    return member


def _fetch(urls: Sequence[str], part: Path, sleep: Callable[[float], object]) -> None:
    failures: list[str] = []
    idle = 0
    while idle < ROUNDS:
        if failures:
            pause = PAUSE_S * 2**idle
            say(f"{failures[-1]}; trying again in {pause:.0f} s")
            sleep(pause)
            failures.clear()
        before = _size(part)
        for url in urls:
            try:
                return _go_on(url, part)
            except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
                failures.append(f"{url}: {getattr(error, 'reason', None) or error or type(error).__name__}")
        idle = 0 if _size(part) > before else idle + 1
    kept = f" ({_size(part):,} bytes have arrived and are kept)" if _size(part) else ""
    raise WespkError(f"{failures[0]}{kept}")


def _go_on(url: str, part: Path) -> None:
    """Append what is missing; raise `OSError` when the connection ends early."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return  # nothing is missing
        part.unlink()  # of another file: begin afresh
        raise
    with answer, open(part, "ab") as target:
        if have and answer.status != 206:  # the whole file, from its first byte
            have = 0
            target.truncate(0)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        if total:
            _require_room(part.parent, total - have)
        have = _copy(answer, target, have, total, url)
        if total and have < total:
            raise OSError(f"the connection ended after {have:,} of {total:,} bytes")


def _copy(source: BinaryIO, target: BinaryIO, have: int, total: int, url: str) -> int:
    """Append the source to the `have` bytes of the target, with progress; return how many there are then."""
    ticker, begun_with = Ticker(), have
    say(f"downloading {url}" + (f", from byte {have:,}" if have else ""))
    while block := source.read(BLOCK):
        target.write(block)
        have += len(block)
        if ticker.due():
            rate = (have - begun_with) / max(1e-3, time.monotonic() - ticker.start)
            left = f" of {total / 1e6:,.0f}, {clock((total - have) / rate)} left" if total else ""
            ticker.show(f"{have / 1e6:,.0f}{left} MB, {rate / 1e6:.1f} MB/s")
    ticker.clear()
    return have


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WespkError(
            f"{folder}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free; choose another folder"
        )


def _size(path: Path) -> int:
    return os.path.getsize(path) if path.exists() else 0
