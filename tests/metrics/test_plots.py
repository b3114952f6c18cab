"""Figures are small, deterministic, well-formed inline SVG that takes its ink from the page."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics import (
    OperatingPoint,
    ScoreSet,
    SystemResult,
    det_svg,
    histogram_svg,
    step_curve,
    training_svg,
)

HOSTILE = '_$x^{ <script>alert(1)</script> --> & "id=" #010203 \x00\x1b 声纹'


def result(system="cosine", num_target=200, num_nontarget=3000, seed=0):
    random = np.random.default_rng(seed)
    scores = ScoreSet(random.normal(2, 1, num_target), random.normal(0, 1, num_nontarget))
    dev = SystemResult.from_scores("dev", system, scores)
    return SystemResult.from_scores("test", system, scores, dev_thresholds=dev.evaluation.thresholds)


def rows(count):
    return [
        {"step": step, "epoch": step // 50, "loss": 9 / (1 + step), "accuracy": step / count, "lr": 1e-3}
        for step in range(count)
    ]


FIGURES = {
    "det": lambda: det_svg([result(), result("plda", seed=1)]),
    "histogram": lambda: histogram_svg([result(), result("plda", seed=1), result("fusion", seed=2)]),
    "training": lambda: training_svg(rows(400)),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    return FIGURES[request.param]


def texts(svg):
    return [" ".join("".join(each.itertext()).split()) for each in ElementTree.fromstring(svg).iter("text")]


def test_a_figure_is_well_formed_and_refers_to_nothing_outside(figure):
    svg = figure()
    ElementTree.fromstring(svg)
    assert "://" not in svg and "@import" not in svg
    assert "<script" not in svg and "<style" not in svg


def test_a_figure_drawn_twice_is_the_same(figure):
    assert figure() == figure()


def test_a_figure_takes_its_ink_from_the_page(figure):
    svg = figure()
    assert "currentColor" in svg
    assert "#010203" not in svg and "#000000" not in svg and "fill: white" not in svg and "#ffffff" not in svg


def test_references_inside_a_figure_are_kept(figure):
    svg = figure()
    names = re.findall(r' id="([^"]+)"', svg)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)) <= {
        pair for name in names for pair in ((name, ""), ("", name))
    }


def test_two_figures_of_one_page_share_no_identifier():
    one, other = (set(re.findall(r' id="([^"]+)"', FIGURES[name]())) for name in ("det", "histogram"))
    assert not one & other


def test_system_names_are_shown_as_they_are_whatever_they_hold():
    for svg in (det_svg([result(HOSTILE)]), histogram_svg([result(HOSTILE)])):
        shown = " ".join(texts(svg))
        assert '_$x^{ <script>alert(1)</script> --> & "id=" #010203 \ufffd\ufffd 声纹' in shown


def test_det_legend_gives_each_systems_eer():
    found = result()
    assert f"cosine: EER {100 * found.evaluation.eer:.2f} %" in texts(det_svg([found]))


def test_a_curve_of_many_trials_is_thinned_without_leaving_the_exact_one():
    random = np.random.default_rng(5)
    scores = ScoreSet(random.normal(2, 1, 5000), random.normal(0, 1, 100000))
    thinned, curve = SystemResult.from_scores("test", "big", scores).det, step_curve(scores)
    assert thinned.shape[1] <= 1000
    exact = set(zip(curve.p_fa, curve.p_miss, strict=True))
    assert set(zip(*thinned, strict=True)) <= exact
    assert thinned[:, 0].tolist() == [1, 0] and thinned[:, -1].tolist() == [0, 1]
    assert len(det_svg([SystemResult.from_scores("test", "big", scores)])) < 60_000


def test_histograms_share_each_class_out_completely():
    histogram = result().histogram
    assert histogram.target.sum() == pytest.approx(1)
    assert histogram.nontarget.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("target", "nontarget"),
    [([1], [0]), ([0], [1]), ([5, 5], [5]), ([1e-300], [0]), ([1e99], [-1e99]), ([7e15, 7e15 + 1], [7e15])],
)
def test_degenerate_score_sets_can_be_drawn(target, nontarget):
    found = SystemResult.from_scores("test", "odd", ScoreSet(target, nontarget), [])
    ElementTree.fromstring(det_svg([found]))
    ElementTree.fromstring(histogram_svg([found]))


def test_more_systems_than_colours_can_be_told_apart():
    svg = det_svg([result(f"s{number}", 20, 50, number) for number in range(9)])
    drawn = set(re.findall(r'style="(fill: none; [^"]*stroke: #[^"]+)"', svg))
    assert len(drawn) == 9


def test_an_operating_point_of_ones_own_is_marked():
    random = np.random.default_rng(5)
    scores = ScoreSet(random.normal(2, 1, 50), random.normal(0, 1, 500))
    found = SystemResult.from_scores("test", "s", scores, [OperatingPoint(0.2)])
    assert "minDCF(0.2)" in texts(det_svg([found]))


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
    for draw in (det_svg, histogram_svg, training_svg):
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
        drawn = FIGURES["training"]()
        assert matplotlib.rcParams["font.size"] == 31
    assert drawn == FIGURES["training"]()
