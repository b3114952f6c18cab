"""Which utterances a subset or a part of a data directory has: pure functions on utt2spk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from wespk.core.errors import WespkError
from wespk.data.layout import by_speaker
from wespk.data.trial_lists import seeded_order, thin_out


def first(utt2spk: Mapping[str, str], count: int) -> list[str]:
    """Return the first `count` utterances in byte order."""
    _refuse_more(utt2spk, count)
    return list(utt2spk)[:count]


def random(utt2spk: Mapping[str, str], count: int, seed: int) -> list[str]:
    """Return `count` utterances, chosen by a hash of seed and id: see `seeded_order`."""
    _refuse_more(utt2spk, count)
    return seeded_order(utt2spk, seed)[:count]


def per_speaker(utt2spk: Mapping[str, str], count: int, seed: int) -> list[str]:
    """Return at most `count` utterances of each speaker, chosen likewise."""
    return list(thin_out(utt2spk, count, seed))


def shortest(utt2spk: Mapping[str, str], count: int, seconds: Mapping[str, float]) -> list[str]:
    """Return the `count` shortest utterances; of equal ones, the first in byte order."""
    _refuse_more(utt2spk, count)
    unknown = [utt for utt in utt2spk if utt not in seconds]
    if unknown:
        raise WespkError(f"the duration of '{unknown[0]}' is not known ({len(unknown)} so)")
    return sorted(utt2spk, key=lambda utt: (seconds[utt], utt))[:count]


def of_speakers(utt2spk: Mapping[str, str], speakers: Collection[str], source: str) -> list[str]:
    """Return all utterances of these speakers. Raises `WespkError` for one that is not there."""
    _refuse_unknown(speakers, set(utt2spk.values()), "speaker", source)
    return [utt for utt, spk in utt2spk.items() if spk in speakers]


def listed(utt2spk: Mapping[str, str], utts: Collection[str], source: str) -> list[str]:
    """Return these utterances. Raises `WespkError` for one that is not there."""
    _refuse_unknown(utts, utt2spk, "utterance", source)
    return [utt for utt in utt2spk if utt in utts]


def split_by_speaker(utt2spk: Mapping[str, str], parts: int) -> list[list[str]]:
    """Deal the utterances out into `parts` lists, all of a speaker into one, as Kaldi's split_data.sh does.

    The parts hold consecutive speakers. They begin with about equally many speakers each; then a speaker at a
    border moves over wherever that makes two neighbours more alike in their number of utterances.
    """
    groups = by_speaker(utt2spk)
    speakers = list(groups)
    if len(speakers) < parts:
        raise WespkError(
            f"{parts} parts of {len(speakers)} speakers: a part would be empty; give --per-utt, which splits "
            "speakers too, or ask for fewer parts"
        )
    counts = [len(groups[spk]) for spk in speakers]
    begin = [-(-part * len(speakers) // parts) for part in range(parts + 1)]  # the first speaker of each part
    size = [sum(counts[begin[part] : begin[part + 1]]) for part in range(parts)]
    moved = True
    while moved:  # each move makes the sum of the squared sizes smaller, so this ends
        moved = False
        for part in range(parts):
            if part + 1 < parts:
                moved |= _move(size, begin, part, part + 1, counts[begin[part + 1] - 1])
            if part > 0:
                moved |= _move(size, begin, part, part - 1, counts[begin[part]])
    return [
        [utt for spk in speakers[begin[part] : begin[part + 1]] for utt in groups[spk]]
        for part in range(parts)
    ]


def split_by_utterance(utts: Sequence[str], parts: int) -> list[list[str]]:
    """Cut the utterances into `parts` consecutive lists; where it is uneven, the first are longer by one."""
    if len(utts) < parts:
        raise WespkError(f"{parts} parts of {len(utts)} utterances: ask for fewer parts")
    size, longer = divmod(len(utts), parts)
    edges = [part * size + min(part, longer) for part in range(parts + 1)]
    return [list(utts[edges[part] : edges[part + 1]]) for part in range(parts)]


def _move(size: list[int], begin: list[int], part: int, other: int, count: int) -> bool:
    """Move the speaker of `count` utterances at the border to the neighbour `other` if that balances them."""
    if abs((size[other] + count) - (size[part] - count)) >= abs(size[other] - size[part]):
        return False
    size[part] -= count
    size[other] += count
    if other > part:
        begin[other] -= 1
    else:
        begin[part] += 1
    return True


def _refuse_more(utt2spk: Mapping[str, str], count: int) -> None:
    if count > len(utt2spk):
        raise WespkError(f"{count} utterances are asked for, {len(utt2spk)} are there")


def _refuse_unknown(wanted: Collection[str], known: Collection[str], what: str, source: str) -> None:
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise WespkError(f"{source}: {what} '{unknown[0]}' is not in the data directory ({len(unknown)} so)")
