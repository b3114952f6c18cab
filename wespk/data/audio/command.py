"""Run a command that writes a recording to its standard output, bounded in time and in bytes."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from wespk.core.errors import WespkError
from wespk.data.audio.values import AudioError

TIMEOUT_S = 600
MAX_BYTES = 2**32  # of output: 18 hours of 16 kHz, 3 hours of stereo floats at 48 kHz
BLOCK = 1 << 18
WORDS_KEPT = 4096  # bytes of the end of the command's standard error


@contextmanager
def command_output(
    command: Sequence[str],
    failure: str,
    descriptors: Sequence[int] = (),
    cut_off: Sequence[str] = (),
    varying: str = r"(?!)",
) -> Iterator[IO[bytes]]:
    """Yield an unnamed temporary file with what `command` wrote to its standard output.

    `failure` ("kind: what") begins the message when the command fails; `descriptors` stay open in the
    command. `cut_off` are texts that mean a cut recording in its standard error, whatever its status;
    `varying` is a pattern of what differs there from run to run and is left out, so that a ledger tells
    equal faults in equal words.

    Raises `AudioError`: `failure` with the status and the last line of standard error, or the kinds
    "truncated", "pipe timed out" and "too long". The command and all that it started are ended in every case.
    """
    what = failure.partition(": ")[2]
    with tempfile.TemporaryFile(buffering=0) as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=tuple(descriptors),
                start_new_session=True,  # a group of its own, so that all of a pipeline can be ended
            )
        except (OSError, ValueError) as error:
            raise AudioError(f"{failure} ({getattr(error, 'strerror', error)})") from None
        try:
            words = _copy(process, output, what)
        except BaseException:
            _end(process)
            raise
        lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines() if line.strip()]
        if any(text in line for line in lines for text in cut_off):
            raise AudioError(f"truncated: {what}")
        if process.returncode:
            last = re.sub(varying, "", lines[-1])[:300] if lines else ""
            last = "".join(c if c.isprintable() else "?" for c in last)
            raise AudioError(f"{failure} (status {process.returncode}{': ' + last if last else ''})")
        yield output


def _copy(process: subprocess.Popen[bytes], output: IO[bytes], what: str) -> bytes:
    """Copy standard output until it ends; return the end of standard error."""
    assert process.stdout is not None and process.stderr is not None
    deadline = time.monotonic() + TIMEOUT_S
    words, written = b"", 0
    with process.stdout as out, process.stderr as err, selectors.DefaultSelector() as ready:
        ready.register(out, selectors.EVENT_READ)
        ready.register(err, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select(_left(deadline, what)):
                block = os.read(key.fd, BLOCK)
                if not block:
                    ready.unregister(key.fileobj)
                elif key.fileobj is out:
                    written += _store(block, output)
                    if written > MAX_BYTES:
                        raise AudioError(f"too long: {what} gave more than {MAX_BYTES} bytes")
                else:
                    words = (words + block)[-WORDS_KEPT:]
    try:
        process.wait(_left(deadline, what))
    except subprocess.TimeoutExpired:
        _left(0.0, what)
    return words


def _store(block: bytes, output: IO[bytes]) -> int:
    """Write a block. A full disk is no fault of the recording: the job has to stop."""
    try:
        view = memoryview(block)
        while view:
            view = view[output.write(view) :]
        return len(block)
    except OSError as error:
        raise WespkError(f"{tempfile.gettempdir()}: {error.strerror}; set TMPDIR to a larger place") from None


def _left(deadline: float, what: str) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise AudioError(f"pipe timed out: {what} (over {TIMEOUT_S} s)")
    return seconds


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it started, also where the command itself has ended before."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
