"""The report is one page that needs nothing else, escapes everything, and shows the numbers of the screen."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from wespk.core.files import read_text
from wespk.metrics import (
    Identification,
    IdentificationResult,
    Rejected,
    ReportData,
    ScoreSet,
    SystemResult,
    evaluate,
    identification_table,
    report_page,
    systems_table,
    write_report,
)

HOSTILE = "<script>alert('x')</script>\"&"
VOID = {"meta"}


def result(system="cosine", trials="test", shift=2.0, dev=True, num_target=100):
    random = np.random.default_rng(7)
    scores = ScoreSet(random.normal(shift, 1, num_target), random.normal(0, 1, 1000))
    thresholds = evaluate(scores).thresholds if dev else None
    return SystemResult.from_scores(trials, system, scores, dev_thresholds=thresholds)


@pytest.fixture(scope="module")
def data():
    return ReportData(
        title="egs/mini: ecapa_tdnn",
        summary="EER 5.1 % on test.",
        systems=[result("cosine"), result("plda", shift=2.5), result("cosine", "short", shift=1.5)],
        training=[{"step": 1, "epoch": 0, "loss": 3.0, "accuracy": 0.1, "lr": 0.1}, {"step": 2, "loss": 2.0}],
        rejected=[Rejected("features", "utt-7", "empty: no samples")],
        manifest={"seed": 17, "libraries": {"torch": "2.13", "numpy": "2.4"}, "command": ["wespk", "a b"]},
        config="model:\n  name: ecapa_tdnn\n",
    )


@pytest.fixture(scope="module")
def page(data):
    return report_page(data)


class Checker(HTMLParser):
    """Collects tags, attributes and text; complains about elements that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def parsed(page):
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    return checker


def test_the_page_needs_nothing_but_itself(page):
    found = parsed(page)
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(found.tags)
    for name, value in found.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#")
    assert not re.search(r"https?:|@import|url\((?!#)", page)


def test_equal_data_give_an_equal_file(data, page, tmp_path):
    write_report(tmp_path / "new" / "report.html", data)
    assert read_text(tmp_path / "new" / "report.html") == page


def test_identifiers_are_unique_on_the_page(page):
    names = [value for name, value in parsed(page).attributes if name == "id"]
    assert len(names) == len(set(names))


def test_the_page_holds_every_part(page):
    words = " ".join(parsed(page).words)
    for part in (
        "egs/mini: ecapa_tdnn",
        "EER 5.1 % on test.",
        "test: 100 target and 1,000 nontarget trials",
        "short: 100 target and 1,000 nontarget trials",
        "training loss",
        "utt-7",
        "empty: no samples",
        "torch 2.13, numpy 2.4",
        "wespk 'a b'",
        "name: ecapa_tdnn",
    ):
        assert part in words


def test_names_from_outside_are_text_and_never_markup():
    nasty = ReportData(
        title=HOSTILE,
        summary=HOSTILE,
        systems=[result(HOSTILE, HOSTILE)],
        rejected=[Rejected(HOSTILE, HOSTILE, HOSTILE)],
        manifest={HOSTILE: {HOSTILE: [HOSTILE]}},
        config=HOSTILE,
    )
    page = report_page(nasty)
    found = parsed(page)
    assert "script" not in found.tags
    assert "<script" not in page
    assert "".join(found.words).count("<script>alert(") >= 12


def test_characters_that_no_page_can_hold_are_replaced(tmp_path):
    broken = "a\x00b\udcffc"
    write_report(tmp_path / "r.html", ReportData(broken, "", [result(broken)], config="x: |\n\ty\n"))
    page = read_text(tmp_path / "r.html")
    assert "a\ufffdb\ufffdc" in page and "\x00" not in page and "x: |\n\ty\n" in page


def test_an_empty_report_says_so():
    words = parsed(report_page(ReportData("t", "s", []))).words
    assert "No trial list has been scored." in words
    assert words[words.index("Rejected items") + 1] == "none"


def test_many_rejected_items_are_counted_and_cut_short():
    rejected = [Rejected("features", f"utt-{number}", "empty") for number in range(1234)]
    page = report_page(ReportData("t", "s", [], rejected=rejected))
    assert "Rejected items: 1,234" in page
    assert "features: and 1,034 more, not shown here." in page
    assert page.count("<td>empty</td>") == 200


def test_the_lowest_value_of_a_list_is_marked(data, page):
    best = data.systems[1].evaluation
    assert f"<strong>{100 * best.eer:.3f}</strong>" in page


def test_report_json_has_the_numbers_of_the_page(data):
    written = json.loads(json.dumps(data.to_json(), allow_nan=False))
    assert [each["system"] for each in written["systems"]] == ["cosine", "plda", "cosine"]
    assert written["systems"][1]["eer"] == data.systems[1].evaluation.eer
    assert written["rejected"] == [{"stage": "features", "item": "utt-7", "reason": "empty: no samples"}]


def printed(results, width=80, table=systems_table):
    stream = io.StringIO()
    Console(file=stream, width=width).print(table(results))
    return stream.getvalue()


def test_the_screen_table_shows_the_same_numbers_as_the_page(data, page):
    screen = printed(data.systems)
    for each in data.systems:
        numbers = each.evaluation
        for text in (f"{100 * numbers.eer:.3f}", f"{numbers.costs[0].min_dcf:.3f}", f"{numbers.cllr:.3f}"):
            assert text in screen and text in page
    assert "test: 100 target and 1,000 nontarget trials" in screen


@pytest.mark.parametrize("system", ["cosine", "a-very-long-system-name-with-many-parts.asnorm.calibrated"])
def test_the_screen_table_fits_into_80_columns_without_cutting_a_number(system):
    text = printed([result(system)])
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_a_system_name_with_markup_is_printed_as_it_is():
    assert "[red]x" in printed([result("[red]x")], width=120)


def test_columns_without_any_value_are_left_out():
    assert "FAR" not in printed([result(dev=False)])
    mixed = printed([result("with"), result("without", dev=False)])
    assert "–" in next(line for line in mixed.splitlines() if line.startswith("without"))


def test_lists_of_one_name_and_other_trials_are_kept_apart():
    text = printed([result("one"), result("other", num_target=90)])
    assert "test: 100 target" in text and "test: 90 target" in text


IDENTIFIED = [
    IdentificationResult("si", "cosine", Identification(840, 168, 46, 12)),
    IdentificationResult("si", "<b>&", Identification(840, 168, 21, 4)),
    IdentificationResult("short", "cosine", Identification(1840, 168, 460, 120)),
]


def test_identification_alone_makes_a_page_and_the_same_table_on_the_screen():
    data = ReportData("t", "s", [], identification=IDENTIFIED)
    page, screen = report_page(data), printed(IDENTIFIED, table=identification_table)
    words = " ".join(parsed(page).words)
    for text in ("si: closed-set identification", "short: closed-set", "94.52", "92.8 to 95.9", "1,840"):
        assert text in words and text in screen
    assert "No trial list has been scored." not in words
    assert "<b>&" in screen and "<b>&" in words and "<b>" not in page
    assert max(map(len, screen.splitlines())) <= 80
    assert [each["errors"] for each in data.to_json()["identification"]] == [46, 21, 460]


def test_the_highest_accuracy_of_a_list_of_several_systems_is_marked():
    page = report_page(ReportData("t", "s", [], identification=IDENTIFIED))
    assert re.findall("<strong>(.*?)</strong>", page) == ["97.50"]


def test_verification_comes_before_identification(data):
    page = report_page(ReportData("t", "s", data.systems, identification=IDENTIFIED))
    assert page.index("short: 100 target") < page.index("si: closed-set") < page.index("Training")
