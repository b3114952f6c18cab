"""Figures are small, deterministic, well-formed inline SVG that takes its ink from the page."""

from __future__ import annotations

import re
import sys
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics.curves import step_curve
from wespk.metrics.embedding_map import MapPoint
from wespk.metrics.epochs import EpochResult
from wespk.metrics.evaluation import DEFAULT_POINTS
from wespk.metrics.plots import (
    calibration_svg,
    det_svg,
    epochs_svg,
    histogram_svg,
    map_svg,
    roc_svg,
    sweep_svg,
    training_svg,
)
from wespk.metrics.plots.det import mark_meanings
from wespk.metrics.points import OperatingPoint
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import SystemResult
from wespk.metrics.thresholds import find_thresholds

SHOWN = '_$x^{ <script>alert(1)</script> --> & "id=" #010203 \ufffd\ufffd 声纹'
HOSTILE = '_$x^{ <script>alert(1)</script> --> & "id=" #010203 \x00\x1b 声纹'


def result(system="cosine", num_target=200, num_nontarget=3000, seed=0):
    random = np.random.default_rng(seed)
    scores = ScoreSet(random.normal(2, 1, num_target), random.normal(0, 1, num_nontarget))
    dev = ScoreSet(random.normal(2.3, 1, num_target), random.normal(0, 1, num_nontarget))
    thresholds = find_thresholds(dev, DEFAULT_POINTS)
    return SystemResult.from_scores("test", system, scores, dev_thresholds=thresholds)


def rows(count):
    return [
        {"step": step, "epoch": step // 50, "loss": 9 / (1 + step), "accuracy": step / count, "lr": 1e-3}
        for step in range(count)
    ]


def epoch(number, eer=0.1, trials="dev"):
    return EpochResult(number, eer, 0.5, trials, "cosine", "digest", "digest")


def points(speakers=3, utts=4):
    random = np.random.default_rng(1)
    return [
        MapPoint(*random.normal(5 * spk, 1, 2), f"s{spk}-u{utt}", f"s{spk}")
        for spk in range(speakers)
        for utt in range(utts)
    ]


FIGURES = {
    "det": lambda: det_svg([result(), result("plda", seed=1)]),
    "roc": lambda: roc_svg([result(), result("plda", seed=1)]),
    "histogram": lambda: histogram_svg(result()),
    "sweep": lambda: sweep_svg(result()),
    "calibration": lambda: calibration_svg(result()),
    "map": lambda: map_svg(points()),
    "epochs": lambda: epochs_svg([epoch(1, 0.3), epoch(2, 0.2)]),
    "training": lambda: training_svg(rows(400)),
}
OF_A_SYSTEM = (
    lambda each: det_svg([each]),
    lambda each: roc_svg([each]),
    histogram_svg,
    sweep_svg,
    calibration_svg,
)


@cache
def drawn(name):
    return FIGURES[name]()


@pytest.fixture(params=FIGURES)
def svg(request):
    return drawn(request.param)


def texts(svg):
    return [" ".join("".join(each.itertext()).split()) for each in ElementTree.fromstring(svg).iter("text")]


def test_a_figure_is_well_formed_and_refers_to_nothing_outside(svg):
    ElementTree.fromstring(svg)
    assert "://" not in svg and "@import" not in svg
    assert "<script" not in svg and "<style" not in svg


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_drawn_twice_is_the_same(name):
    assert FIGURES[name]() == drawn(name)


def test_a_figure_takes_its_ink_from_the_page(svg):
    assert "currentColor" in svg
    assert "#010203" not in svg and "#000000" not in svg and "fill: white" not in svg and "#ffffff" not in svg


def test_references_inside_a_figure_are_kept(svg):
    names = re.findall(r' id="([^"]+)"', svg)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)) <= {
        pair for name in names for pair in ((name, ""), ("", name))
    }


def test_two_figures_of_one_page_share_no_identifier():
    names = [name for figure in FIGURES for name in re.findall(r' id="([^"]+)"', drawn(figure))]
    assert len(names) == len(set(names)) > 0


def test_places_are_rounded_and_nothing_unused_is_kept(svg):
    assert not re.search(r'="[^"]*\d\.\d{3}', svg)
    for name in re.findall(r' id="([^"]+)"', svg):
        assert f"#{name}" in svg
    assert "<g></g>" not in svg and "font-family" not in svg and "\n" not in svg


def test_a_figure_says_in_words_what_it_shows(svg):
    label = ElementTree.fromstring(svg).get("aria-label")
    assert len(label.split()) > 3


def test_names_are_shown_as_they_are_whatever_they_hold():
    point = MapPoint(0.0, 0.0, HOSTILE, HOSTILE)
    for svg in (map_svg([point]), epochs_svg([epoch(1, trials=HOSTILE), epoch(1, trials="other")])):
        assert SHOWN in " ".join(texts(svg))
    for draw in OF_A_SYSTEM:
        assert SHOWN in ElementTree.fromstring(draw(result(HOSTILE))).get("aria-label")


def test_a_curve_of_many_trials_is_thinned_without_leaving_the_exact_one():
    random = np.random.default_rng(5)
    scores = ScoreSet(random.normal(2, 1, 5000), random.normal(0, 1, 100000))
    thinned, curve = SystemResult.from_scores("test", "big", scores).det, step_curve(scores)
    assert thinned.shape[1] <= 1000
    exact = set(zip(curve.p_fa, curve.p_miss, strict=True))
    assert set(zip(*thinned, strict=True)) <= exact
    assert thinned[:, 0].tolist() == [1, 0] and thinned[:, -1].tolist() == [0, 1]
    assert len(det_svg([SystemResult.from_scores("test", "big", scores)])) < 60_000


@pytest.mark.parametrize(
    ("target", "nontarget"),
    [([1], [0]), ([0], [1]), ([5, 5], [5]), ([1e99], [-1e99])],
)
@pytest.mark.parametrize("draw", OF_A_SYSTEM)
def test_degenerate_score_sets_can_be_drawn(draw, target, nontarget):
    ElementTree.fromstring(draw(SystemResult.from_scores("test", "odd", ScoreSet(target, nontarget))))


def test_more_systems_than_colours_can_be_told_apart():
    svg = det_svg([result(f"s{number}", 20, 50, number) for number in range(9)])
    looks = set(re.findall(r'style="(fill: none; [^"]*stroke: #[^"]+)"', svg))
    assert len(looks) == 9


def marks(svg):
    """Count the hollow and the filled marks of a figure, which are in the colours of the curves."""
    looks = re.findall(r'<use [^>]*style="([^"]*stroke: #[^"]*)"', svg)
    return sum("fill: #" not in each for each in looks), sum("fill: #" in each for each in looks)


def test_det_marks_the_best_points_hollow_and_those_of_the_development_thresholds_filled():
    found = result()
    assert marks(det_svg([found])) == (3, 3)
    assert mark_meanings([found]) == {
        "EER": ("o", False),
        "minDCF(0.01)": ("^", False),
        "minDCF(0.05)": ("s", False),
        "filled: at the development threshold": ("o", True),
    }
    without = SystemResult.from_scores("test", "s", ScoreSet([1, 2, 3], [0, 1.5, 0.5]))
    assert marks(det_svg([without])) == (3, 0)
    assert "filled: at the development threshold" not in mark_meanings([without])


def test_roc_has_a_logarithmic_axis_in_percent_of_false_alarms():
    assert {"0.1", "1", "10", "100"} <= set(texts(roc_svg([result()])))


def test_a_sweep_marks_the_best_points_of_its_panels():
    found = result()
    numbers, shown = found.evaluation, texts(sweep_svg(found))
    assert f"EER {100 * numbers.eer:.2f} %" in shown
    assert f"F1 {100 * numbers.best_f1.value:.2f} %" in shown
    assert f"minDCF {numbers.costs[0].min_dcf:.3f}" in shown


def test_a_map_names_each_point_and_each_speaker():
    svg = map_svg(points(speakers=70, utts=2))
    titles = [each.text for each in ElementTree.fromstring(svg).iter("title")]
    assert sorted(titles) == sorted(f"{point.utt} ({point.spk})" for point in points(70, 2))
    assert texts(svg) == []  # so many names would hide the points
    assert sorted(texts(map_svg(points(3, 2)))) == ["s0", "s1", "s2"]


def test_fifty_six_speakers_of_a_map_can_be_told_apart():
    svg = map_svg(points(speakers=56, utts=1))
    looks = set()
    for mark in ElementTree.fromstring(svg).iter("use"):
        (shape,) = [
            each.get("d")
            for each in ElementTree.fromstring(svg).iter("path")
            if f"#{each.get('id')}" == mark.get("href")
        ]
        looks.add((shape, mark.get("style")))
    assert len(looks) == 56


def test_the_lowest_error_rate_of_the_epochs_is_marked():
    shown = texts(epochs_svg([epoch(3, 0.2), epoch(1, 0.3), epoch(2, 0.1)]))
    assert "10.00" in shown and "20.00" not in shown and "30.00" not in shown


def test_an_operating_point_of_ones_own_is_marked():
    random = np.random.default_rng(5)
    scores = ScoreSet(random.normal(2, 1, 50), random.normal(0, 1, 500))
    found = SystemResult.from_scores("test", "s", scores, [OperatingPoint(0.2)])
    assert mark_meanings([found]) == {"EER": ("o", False), "minDCF(0.2)": ("^", False)}


@pytest.mark.parametrize("count", [1, 2, 5000])
def test_training_curves_of_any_length_stay_small(count):
    svg = training_svg(rows(count))
    ElementTree.fromstring(svg)
    assert len(svg) < 120_000


def test_training_curves_leave_out_what_the_log_does_not_have():
    assert "training accuracy" not in texts(training_svg([{"step": 1, "loss": 2.0, "accuracy": None}]))


def test_training_curves_break_where_the_loss_is_not_finite():
    log = rows(20)
    log[7]["loss"] = float("nan")
    log[9]["loss"] = float("inf")
    ElementTree.fromstring(training_svg(log))
    ElementTree.fromstring(training_svg([{"step": 1, "loss": float("nan")}]))


def test_nothing_to_draw_is_an_error():
    for draw in (det_svg, roc_svg, map_svg, epochs_svg, training_svg):
        with pytest.raises(WespkError):
            draw([])
    with pytest.raises(WespkError, match="needs a step"):
        training_svg([{"loss": 1.0}])


def test_without_matplotlib_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(WespkError, match=r"pip install 'wespk\[recipes\]'"):
        training_svg(rows(3))


def test_drawing_touches_neither_the_users_settings_nor_pyplot(monkeypatch):
    import matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it now fails
    with matplotlib.rc_context({"font.size": 31, "svg.fonttype": "path"}):
        redrawn = FIGURES["training"]()
        assert matplotlib.rcParams["font.size"] == 31
    assert redrawn == drawn("training")
