"""Damage done to text: to its words, lines, spaces and encoding."""

from __future__ import annotations

from collections.abc import Callable

from fuzz_bytes import Change, Other, Random, cut_off, flip_bits, remove

WORDS = (
    *("1e999", "-1e999", "nan", "NaN", "inf", "-inf", "-0", "-1", "0", "1e-320", "1_000", "0x10", "00012"),
    *("1.5.2", "9" * 19, "9" * 400, str(2**31), str(2**32), str(2**63), "1e308", "0.0000001", "4096"),
    *("4097", "10000", "65536", "1000000", "1e4", "١٢", "½", "é", "e\u0301", "中文", "a\u2028b", "a\u3000b"),
    *("\ufeff", "a\x85b", "a\u200bb", "a\x00b", "a\x1cb", "true", "True", "none", "null", "~", "''", '"'),
    *("'", "%s", "{0}", "\\", "[", "{", "]", "*a", "&a", "!!x", "!!bool x", "2026-13-45", "!!timestamp x"),
    *("0b", "[[1], {}]", "../../x", "/dev/zero", "/", ".", "-", "--", "#", "=", ":", ":0", "m", "f"),
    *("a:9999999999999999999", "x" * 5000, "target", "nontarget", "feats.ark:-1", "[0:1]", "[5:2]", "[,]"),
    *("[:,0:999]", "[0:99999999999]"),
)
SPACES = (
    *("\t", "  ", " \t ", "\u00a0", "\u2003", "\u3000", "\x0b", "\x0c", "\x1f", "\r", "\u2028", "\x85"),
    "",
)
LONG = 200_000


def _by_lines(change: Callable[[Random, list[bytes]], list[bytes]]) -> Change:
    def apply(rng: Random, data: bytes, _: Other) -> bytes:
        return b"\n".join(change(rng, data.split(b"\n")))

    return apply


def _at_line(change: Callable[[Random, bytes], list[bytes]]) -> Change:
    """Put lines in the place of one."""

    def apply(rng: Random, lines: list[bytes]) -> list[bytes]:
        at = int(rng.integers(max(1, len(lines) - 1)))
        return [*lines[:at], *change(rng, lines[at]), *lines[at + 1 :]]

    return _by_lines(apply)


def _new_word(rng: Random, line: bytes) -> list[bytes]:
    """Replace a word, or what a sign of a Kaldi option, a YAML key or a table's cell divides."""
    signs = [sign for sign in (b"=", b": ", b",", b"\t") if sign in line and rng.random() < 0.7]
    sign = signs[0] if signs else b" "
    words = line.split(sign)
    words[int(rng.integers(len(words)))] = _word(rng)
    return [sign.join(words)]


def _swap_words(rng: Random, line: bytes) -> list[bytes]:
    words = line.split(b" ")
    return [b" ".join([words[at] for at in rng.permutation(len(words))])]


def _another_space(rng: Random, line: bytes) -> list[bytes]:
    return [line.replace(b" ", SPACES[int(rng.integers(len(SPACES)))].encode(), 1)]


def _long_line(rng: Random, line: bytes) -> list[bytes]:
    filling = [b"x", b"[", b"a ", b"{", b"9", b"1 "][int(rng.integers(6))]
    return [
        [line + filling * (LONG // 2), filling * (LONG // 2), filling * 3000 + line][int(rng.integers(3))]
    ]


def _shuffle(rng: Random, lines: list[bytes]) -> list[bytes]:
    body = lines[:-1] if lines[-1] == b"" else lines
    return [body[at] for at in rng.permutation(len(body))] + lines[len(body) :]


def _drop_line(rng: Random, lines: list[bytes]) -> list[bytes]:
    at = int(rng.integers(len(lines)))
    return lines[:at] + lines[at + 1 + int(rng.integers(2)) :]


def _unix_to_windows(rng: Random, data: bytes, _: Other) -> bytes:
    return data.replace(b"\n", b"\r\n", -1 if rng.random() < 0.7 else 1)


def _encoding(rng: Random, data: bytes, _: Other) -> bytes:
    text = data.decode("utf-8", "replace")
    which = ["utf-16", "utf-8-sig", "utf-32", "latin-1", "shift-jis"][int(rng.integers(5))]
    return text.replace("a", "é").encode(which, "replace")


def _other_text(rng: Random, data: bytes, other: Other) -> bytes:
    texts = [
        other(),
        data + other(),
        b"",
        b"\n",
        data.rstrip(b"\n"),
        data + b"\n",
        b"[]\n",
        b"1\n",
        b"null\n",
    ]
    return texts[int(rng.integers(len(texts)))]


def _word(rng: Random) -> bytes:
    return WORDS[int(rng.integers(len(WORDS)))].encode()


TEXT_CHANGES: dict[str, tuple[int, Change]] = {
    "word": (6, _at_line(_new_word)),
    "words swapped": (2, _at_line(_swap_words)),
    "space": (2, _at_line(_another_space)),
    "line doubled": (1, _at_line(lambda rng, line: [line, line])),
    "two values": (1, _at_line(lambda rng, line: [line, line + b"x"])),
    "line dropped": (2, _by_lines(_drop_line)),
    "lines shuffled": (1, _by_lines(_shuffle)),
    "long line": (1, _at_line(_long_line)),
    "Windows line ends": (1, _unix_to_windows),
    "encoding": (1, _encoding),
    "NUL": (1, _at_line(lambda rng, line: [line[: len(line) // 2] + b"\0" + line[len(line) // 2 :]])),
    "other text": (1, _other_text),
    "bits flipped": (1, flip_bits),
    "cut": (1, cut_off),
    "bytes removed": (1, remove),
}
