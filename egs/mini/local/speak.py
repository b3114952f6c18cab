"""Read one voice's sentences aloud with espeak-ng: a process of its own.

espeak-ng is GPL software, so it is talked to across a process border; it also gives identical bytes only
to a fresh process that is asked the same things in the same order. Standard input takes one JSON object:

    {"library": "/.../libespeak-ng.so", "data": "folder that holds espeak-ng-data",
     "sentences": [{"voice": "en-us+NAME", "rate": 170, "pitch": 50, "range": 50, "text": "..."}, ...]}

`rate` is in words a minute, `pitch` and `range` are 0..99 (50 leaves the voice as it is). Standard output
gives, in order, the number of samples of each sentence (uint32, little endian) and its 16-bit samples at
22.05 kHz. A failure is one line on standard error and exit status 1.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

SAMPLE_RATE = 22050
SYNCHRONOUS_RETRIEVAL = 2
POSITION_IS_CHARACTER = 1
TEXT_IS_UTF8 = 1
PARAMETERS = {"rate": 1, "pitch": 3, "range": 4}

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Engine:
    """One initialised espeak-ng library."""

    def __init__(self, library: str, data: str) -> None:
        self._engine = ctypes.CDLL(library)
        self._engine.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        if self._engine.espeak_Initialize(SYNCHRONOUS_RETRIEVAL, 0, os.fsencode(data), 0) != SAMPLE_RATE:
            raise RuntimeError(f"espeak-ng did not start on {data}")
        self._engine.espeak_ng_SetRandSeed(ctypes.c_long(1))  # breath noise is else seeded by the clock
        self._chunks: list[bytes] = []
        self._callback = Callback(self._collect)  # kept: the library holds the pointer only
        self._engine.espeak_SetSynthCallback(self._callback)

    def say(self, voice: str, text: str, **parameters: int) -> bytes:
        """Return the 16-bit samples of `text`."""
        if self._engine.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        for name, value in parameters.items():
            self._engine.espeak_SetParameter(PARAMETERS[name], value, 0)
        encoded = text.encode("utf-8") + b"\0"
        self._chunks.clear()
        status = self._engine.espeak_Synth(
            encoded, len(encoded), 0, POSITION_IS_CHARACTER, 0, TEXT_IS_UTF8, None, None
        )
        samples = b"".join(self._chunks)
        if status != 0 or not samples:
            raise RuntimeError(f"espeak-ng said nothing with {voice} for {text!r}")
        return samples

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0


def main() -> int:
    request = json.load(sys.stdin)
    try:
        engine = Engine(request["library"], request["data"])
        for sentence in request["sentences"]:
            samples = engine.say(**sentence)
            sys.stdout.buffer.write((len(samples) // 2).to_bytes(4, "little") + samples)
        sys.stdout.buffer.flush()
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
