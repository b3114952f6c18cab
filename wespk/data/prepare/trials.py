"""Test lists of mvector's form: utterances that enrol and utterances that test, every pair of them scored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.data.prepare.items import Found
from wespk.data.prepare.tables import find_in_list


def find_in_test_lists(enrol_list: Path, trials_list: Path, root: Path) -> tuple[Found, dict[str, list[str]]]:
    """Return the items of both lists, ``path<TAB>label`` each, and label -> `Item.where` of what enrols it.

    Raises `WespkError` for recordings that enrol and test: they would be compared with themselves.
    """
    enrol, test = find_in_list(enrol_list, root), find_in_list(trials_list, root)
    if enrol_list.absolute() == trials_list.absolute():
        raise WespkError(f"{enrol_list}: enrolment and test are one list; give two")
    enrolled = {item.path: item for item in enrol.items}
    shared = [item for item in test.items if item.path in enrolled]
    if shared:
        first = shared[0]
        raise WespkError(
            f"{first.where}: '{first.path}' also enrols ({enrolled[first.path].where}), {len(shared)} such "
            "test recordings in all; they would be compared with themselves: take them out of one list"
        )
    models: dict[str, list[str]] = {}
    for item in enrol.items:
        models.setdefault(item.speaker, []).append(item.where)
    reasons = {**enrol.unused.reasons, **test.unused.reasons}
    enrol.unused.reasons = reasons
    return Found([*enrol.items, *test.items], enrol.unused), models


def enrolment(
    models: Mapping[str, list[str]], utterance_of: Mapping[str, str], utt2spk: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return model -> utterances; the model of a label has its speaker id.

    Raises `WespkError` for a model of which no recording could be used.
    """
    enrolled: dict[str, list[str]] = {}
    for label, wheres in models.items():
        utts = [utterance_of[where] for where in wheres if where in utterance_of]
        if not utts:
            raise WespkError(f"speaker {label!r}: none of its {len(wheres)} enrolment recordings can be used")
        enrolled[utt2spk[utts[0]]] = utts
    return enrolled
