"""Tables of results as Markdown: one for each list, cells that cannot break out of the table."""

from __future__ import annotations

from wespk.metrics.identification import Identification, IdentificationResult
from wespk.metrics.markdown import results_markdown
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import SystemResult

SCORES = ScoreSet([1.0, 2.0, 3.0], [0.0, 1.5, 0.5])
IDENTIFIED = [IdentificationResult("si", "a|b", Identification(840, 168, {1: 46, 5: 12}))]


def test_each_list_has_a_table_and_identification_comes_last():
    systems = [SystemResult.from_scores(name, "cosine", SCORES) for name in ("dev", "test")]
    text = results_markdown(systems, IDENTIFIED)
    titles = [line for line in text.splitlines() if line and not line.startswith("|")]
    assert titles == [
        "dev: 3 target and 3 nontarget trials",
        "test: 3 target and 3 nontarget trials",
        "si: closed-set identification",
    ]
    assert text.endswith("|\n") and "\n\n\n" not in text


def test_a_row_has_as_many_cells_as_the_head_whatever_the_system_is_called():
    lines = results_markdown([], IDENTIFIED).splitlines()[2:]
    assert lines[0] == "| system | top-1 % | 95 % interval | top-5 % | errors | tests | models |"
    assert lines[2] == "| a\\|b | 94.52 | 92.8 to 95.9 | 98.57 | 46 | 840 | 168 |"
    assert {line.replace("\\|", "").count("|") for line in lines} == {8}
