"""Damaged lists: trials, enrolment and scores; tables and lists of a corpus to prepare."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from fuzz_bytes import Random
from fuzz_case import Case, attempt, is_untouched, law, pick
from fuzz_mutate import mutate_text

from wespk.data.datadir import load_data_dir
from wespk.data.prepare.corpus import Corpus, make_corpus
from wespk.data.prepare.genders import read_genders
from wespk.data.prepare.items import Found
from wespk.data.prepare.tables import Columns, find_in_list, find_in_table
from wespk.data.prepare.write import publish
from wespk.data.scores import read_scores, write_scores
from wespk.data.scoring import iter_scored, score_trials
from wespk.data.trial_checks import trial_problems
from wespk.data.trials import Trials, read_enrolment, read_trials

ANY = 1e9  # of the recordings may be of no use


def prepare_trials(rng: Random, folder: Path) -> Case:
    """Damage a trial list, an enrolment list or a score file."""
    names = ["trials", "enrol", "scores"]
    damaged = pick(rng, names)
    made = ["nothing"]
    untouched = is_untouched(rng)
    for name in names:
        data = Path("base/lists", name).read_bytes()
        if name == damaged and not untouched:
            data, made = mutate_text(rng, data, lambda: Path("base/lists", pick(rng, names)).read_bytes())
        (folder / name).write_bytes(data)

    def check() -> str:
        refusal = _check_trials(folder, damaged)
        law(not (untouched and refusal), f"undamaged lists are read, not refused ({refusal})")
        return refusal

    return Case(f"base/lists/{damaged}", made, check)


def _check_trials(folder: Path, damaged: str) -> str:
    path = folder / "trials"
    trials = attempt(lambda: read_trials(path), [str(path)])
    loose = attempt(lambda: read_trials(path, allow_duplicates=True), [str(path)])
    law(loose.accepted or not trials.accepted, "a list is refused because duplicates are allowed")
    enrolment = attempt(lambda: read_enrolment(folder / "enrol"), [str(folder / "enrol")])
    answers = {"trials": trials, "enrol": enrolment}
    if loose.value is not None:
        words = re.split(r"[ \t\r\n]+", path.read_bytes().decode().strip(" \t\r\n"))
        law(len(words) == 3 * len(loose.value), f"{len(loose.value)} trials in {len(words)} words")
        pairs = zip(loose.value.enrol_index, loose.value.test_index, strict=True)
        ids = [[loose.value.enrol_ids[one], loose.value.test_ids[other]] for one, other in pairs]
        law(
            [word for pair in ids for word in pair] == [w for n, w in enumerate(words) if n % 3 < 2],
            "other trials",
        )
        problems = attempt(lambda: trial_problems(loose.value, enrolment.value))
        law(problems.accepted, f"problems are listed, not raised: {problems.refusal}")
    if trials.value is not None:
        _check_scoring(path, folder / "new", trials.value)
        scores_path = folder / "scores"
        answers["scores"] = attempt(lambda: read_scores(scores_path, trials.value), [str(scores_path)])
        scores = answers["scores"].value
        blocks = attempt(lambda: list(iter_scored(path, scores_path)), [str(scores_path)])
        law(blocks.value is None or scores is not None, "scores are read side by side, and not as a whole")
        if blocks.value is not None:
            kinds, values = (np.concatenate(parts) for parts in zip(*blocks.value, strict=True))
            law(np.array_equal(kinds, trials.value.kind) and np.array_equal(values, scores), "other scores")
        if scores is not None:
            law(scores.shape == (len(trials.value),) and np.isfinite(scores).all(), "a score for each trial")
            write_scores(folder / "again", trials.value, scores)
            again = read_scores(folder / "again", trials.value)
            law(np.allclose(again, scores, rtol=1e-6), "scores that are written are read")
    return answers[damaged].refusal if damaged in answers else trials.refusal


def _check_scoring(path: Path, out: Path, trials: Trials) -> None:
    """What is scored of a list, and what is left out of it, is the list."""
    known = {each: row for row, each in enumerate(trials.enrol_ids[::2])}
    tests = {each: row for row, each in enumerate(trials.test_ids)}

    def score(allow_missing: bool) -> int:
        done = score_trials(path, out, lambda e, t: e + 0.1 * t, known, tests, allow_missing=allow_missing)
        law(done.scored + done.missing == len(trials), f"{done} of {len(trials)}")
        return done.missing

    strict = attempt(lambda: score(False), [str(path)])
    missing = attempt(lambda: score(True), [str(path)])
    law(missing.accepted, f"a list that is valid is scored as far as it goes: {missing.refusal}")
    law(strict.accepted == (missing.value == 0), "unknown models are an error")
    lines = sum(len(_lines(each)) for each in (out, Path(f"{out}.missing")) if each.exists())
    law(lines == len(trials), f"{lines} lines of {len(trials)} trials")


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def prepare_corpus(rng: Random, folder: Path) -> Case:
    """Damage a table or list of a corpus, or its list of genders."""
    choices = sorted(Path("base/lists").glob("corpus.*"))
    base = pick(rng, choices)
    genders = Path("base/lists/genders.txt")
    contents = {base: base.read_bytes(), genders: genders.read_bytes()}
    made = ["nothing"]
    untouched = is_untouched(rng)
    if not untouched:
        damaged = pick(rng, [base, base, base, genders])
        contents[damaged], made = mutate_text(
            rng, contents[damaged], lambda: pick(rng, [*choices, genders]).read_bytes()
        )
    for path, data in contents.items():
        (folder / path.name).write_bytes(data)
    form = base.suffix[1:]
    with_genders = bool(rng.random() < 0.5)

    def check() -> str:
        refusal = _check_corpus(
            folder, folder / base.name, form, folder / genders.name if with_genders else None
        )
        law(not (untouched and refusal), f"an undamaged {base.name} is read, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def _check_corpus(folder: Path, table: Path, form: str, genders: Path | None) -> str:
    root = Path("base/lists")

    def find() -> Found:
        return find_in_list(table, root) if form == "txt" else find_in_table(table, form, root, Columns())

    found = attempt(find, [str(table)])
    attempt(lambda: read_genders(folder / "genders.txt"), [str(folder)])
    if found.value is None:
        return found.refusal
    total = found.value.total
    law(total == len(found.value.items) + len(found.value.unused), f"{total} items: some are lost")
    if form != "csv":  # in which a cell may hold lines
        lines = sum(bool(line.strip()) for line in table.read_bytes().decode("utf-8-sig").split("\n"))
        rows = lines - (form == "tsv")
        law(total == rows, f"{total} items in {rows} rows")
    corpus = attempt(
        lambda: make_corpus(found.value, genders=genders, nj=1, max_rejected=ANY, say=lambda _: None)
    )
    if corpus.value is not None:
        law(corpus.value.found == total, f"{total} items found, {corpus.value.found} accounted for")
        law(total == len(corpus.value.utt2spk) + len(corpus.value.unused), "in = out + not used")
        _check_published(folder / "out", corpus.value)
    return corpus.refusal


def _check_published(out: Path, corpus: Corpus) -> None:
    """Whatever becomes a data directory is a valid one."""
    written = attempt(lambda: publish({out: corpus}, out, corpus, {}))
    law(written.accepted, f"a corpus that is accepted is written: {written.refusal}")
    data = load_data_dir(out)
    law(dict(data.utt2spk) == dict(sorted(corpus.utt2spk.items())), "the directory has other utterances")
    again = publish({out: corpus}, out, corpus, {})
    law(not again, f"the same corpus again changes {again}")
