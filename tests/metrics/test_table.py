"""The systems table as text and as Markdown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wespk.metrics.evaluation import DEFAULT_POINTS
from wespk.metrics.points import OperatingPoint
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import (
    as_text,
    best_values,
    columns,
    markdown_table,
    percent_within,
    rate_text,
    systems_table,
)
from wespk.metrics.thresholds import find_thresholds


def result(system="plda", separation=2.0, interval=(0.014, 0.026), dev=True, points=DEFAULT_POINTS):
    random = np.random.default_rng(0)
    scores = ScoreSet(random.normal(separation, 1, 100), random.normal(0, 1, 1000))
    thresholds = find_thresholds(scores, points) if dev else None
    found = SystemResult.from_scores("test", system, scores, points, thresholds)
    intervals = {"eer": interval} if interval else {}
    return replace(found, evaluation=replace(found.evaluation, intervals=intervals))


def test_a_rate_is_written_with_its_interval_and_digits_that_fit_its_size():
    assert percent_within(0.019, 0.014, 0.026) == "1.90 [1.4, 2.6]"
    assert percent_within(0.00141, 0.0005, 0.0029) == "0.141 [0.05, 0.29]"


def test_a_rate_without_interval_has_three_decimals():
    found = result(interval=None).evaluation
    assert rate_text(found) == f"{100 * found.eer:.3f}"


def test_the_screen_shows_rate_and_interval():
    found = result()
    text = as_text(systems_table([found]))
    assert f"{100 * found.evaluation.eer:.2f} [1.4, 2.6]" in text
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[0] == "test: 100 target and 1,000 nontarget trials"


def test_without_development_thresholds_the_cost_at_the_bayes_threshold_is_shown():
    assert "Bayes" in as_text(systems_table([result(dev=False)]))
    assert "Bayes" not in as_text(systems_table([result()]))


def test_many_points_leave_the_screen_readable_and_the_page_complete():
    points = [OperatingPoint(p) for p in (0.001, 0.01, 0.05, 0.1, 0.5)]
    found = result(points=points)
    text = as_text(systems_table([found]))
    assert "(0.05)" in text and "(0.5)" not in text and max(map(len, text.splitlines())) <= 100
    assert "minDCF (0.5)" in [column.heading for column in columns([found])]


def test_the_best_value_is_the_text_of_the_lowest():
    good, bad = result("good", 3.0), result("bad", 1.0, interval=(0.1, 0.5))
    best = best_values(columns([good, bad]), [good, bad])
    assert best["EER %"] == rate_text(good.evaluation)
    assert best_values(columns([good]), [good]) == {}


def test_markdown_has_a_table_for_each_list():
    found = result("a|b")
    title, blank, head, rule, row, *rest = markdown_table(
        [found, replace(result(dev=False), trials="dev")]
    ).splitlines()
    assert (title, blank) == ("test: 100 target and 1,000 nontarget trials", "")
    points = "| minDCF(0.01) | minDCF(0.05) | actDCF(0.01) | actDCF(0.05) |"
    assert head == f"| system | EER % [95 %] {points} Cllr | min Cllr |"
    assert rule == "| --- |" + " ---: |" * 7
    assert row.startswith(f"| a\\|b | {rate_text(found.evaluation)} | ")
    assert rest[1].startswith("dev: ") and len(rest) == 6


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_extreme_rates_are_written(rate):
    assert percent_within(rate, rate, rate).count("[") == 1
