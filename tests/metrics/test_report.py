"""The report is one page that needs nothing else, escapes everything, and shows the numbers of the screen."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from wespk.core.files import read_text
from wespk.metrics.breakdown import Breakdown, BreakdownRow
from wespk.metrics.embedding_map import EmbeddingMap, MapPoint
from wespk.metrics.epochs import EpochResult
from wespk.metrics.evaluation import DEFAULT_POINTS, KindResult
from wespk.metrics.identification import Identification, IdentificationResult
from wespk.metrics.identification_table import identification_table
from wespk.metrics.report import Rejected, ReportData, report_page, write_report
from wespk.metrics.scores import ScoreSet
from wespk.metrics.sections import system, verification
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import systems_table
from wespk.metrics.thresholds import find_thresholds
from wespk.metrics.worst_pairs import PairExample, WorstPairs

HOSTILE = "<script>alert('x')</script>\"&"
VOID = {"meta"}


def result(system="cosine", trials="test", shift=2.0, dev=True, num_target=100):
    random = np.random.default_rng(7)
    scores = ScoreSet(random.normal(shift, 1, num_target), random.normal(0, 1, 1000))
    thresholds = find_thresholds(scores, DEFAULT_POINTS) if dev else None
    return SystemResult.from_scores(trials, system, scores, dev_thresholds=thresholds)


def detailed(name="x"):
    """A result with everything that takes knowing who speaks; `name` is in each word from outside."""
    found = result(f"{name} system", f"{name} list")
    rows = [BreakdownRow(f"{name} value", 7, 65_432, 5, 0.0625, 0.05, 0.09, 0.123)]
    rows.append(BreakdownRow("alone", 0, 3, 1, None, None, None, None))
    words = [f"{name} {what}" for what in ("enrolled", "tested", "model", "utt", "a.wav", "b.flac")]
    false_alarm = PairExample(words[0], words[1], 44, 144, 5.7592, *words[2:])
    miss = PairExample(f"{name} missed", f"{name} missed", 2, 9, -1.4174, f"{name} m", f"{name} u", "", "")
    numbers = replace(
        found.evaluation,
        intervals={"eer": (0.014, 0.026), "min_dcf(0.01)": (0.4, 0.45)},
        num_speakers=24,
        draws=1000,
        kinds=(KindResult("target-wrong", 300, 0.0321), KindResult("impostor-correct", 700, 0.0123)),
    )
    return replace(
        found,
        evaluation=numbers,
        breakdowns=(Breakdown(f"{name} column", tuple(rows)),),
        worst=WorstPairs(0.375, True, (false_alarm,), (miss,)),
    )


@pytest.fixture(scope="module")
def data():
    return ReportData(
        title="egs/mini: ecapa_tdnn",
        summary="EER 5.1 % on test.",
        systems=[result("cosine"), result("plda", shift=2.5), result("cosine", "short", shift=1.5)],
        training=[{"step": 1, "epoch": 0, "loss": 3.0, "accuracy": 0.1, "lr": 0.1}, {"step": 2, "loss": 2.0}],
        rejected=[Rejected("features", "utt-7", "empty: no samples")],
        epochs=[
            EpochResult(1, 0.2, 0.9, "dev", "cosine", "", ""),
            EpochResult(2, 0.1, 0.8, "dev", "cosine", "", ""),
        ],
        embeddings=EmbeddingMap(
            "test", "PCA", (MapPoint(0, 0, "a-1", "a"), MapPoint(1, 1, "b-1", "b")), 600, 4
        ),
        manifest={"seed": 17, "libraries": {"torch": "2.13", "numpy": "2.4"}, "command": ["wespk", "a b"]},
        config="model:\n  name: ecapa_tdnn\n",
    )


@pytest.fixture(scope="module")
def page(data):
    return report_page(data)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out, which take the time."""
    for module in (verification, system):
        for name in [each for each in vars(module) if each.endswith("_svg")]:
            monkeypatch.setattr(module, name, lambda *_: "<svg></svg>")


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
        "in detail: thresholds, calibration, errors",
        "2 utterances of 2 speakers by PCA",
        "600 utterances are left out, and 4 speakers.",
        "The weights of each epoch on development trials (cosine).",
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
        systems=[detailed(HOSTILE)],
        identification=[IdentificationResult(HOSTILE, HOSTILE, Identification(10, 4, {1: 2}))],
        epochs=[EpochResult(1, 0.2, 0.9, HOSTILE, HOSTILE, "", "")],
        embeddings=EmbeddingMap(HOSTILE, HOSTILE, (MapPoint(0, 0, HOSTILE, HOSTILE),)),
        unseen=[HOSTILE],
        rejected=[Rejected(HOSTILE, HOSTILE, HOSTILE)],
        manifest={HOSTILE: {HOSTILE: [HOSTILE]}},
        config=HOSTILE,
    )
    page = report_page(nasty)
    found = parsed(page)
    assert "script" not in found.tags
    assert "<script" not in page
    assert "".join(found.words).count("<script>alert(") >= 25


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


def parts(page):
    """Return what follows each heading of the page, by heading."""
    return {each.split("</h2>")[0]: each for each in page.split("<h2>")[1:]}


def test_the_contents_lead_to_every_section(page):
    found = parsed(page)
    links = [value[1:] for name, value in found.attributes if name == "href" and value.startswith("#part")]
    places = [value for name, value in found.attributes if name == "id" and value.startswith("part")]
    assert links == places and len(links) == len(parts(page))


def test_the_details_of_the_system_that_is_best_on_the_development_trials_are_open(undrawn):
    good, bad = {"shift": 3.0}, {"shift": 1.0}
    systems = [result("a", "dev", **bad), result("b", "dev", **good), result("a", **good), result("b", **bad)]
    page = report_page(ReportData("t", "s", systems))
    opened = re.findall(r'<details open class="system"><summary><strong>(\w)', page)
    closed = re.findall(r'<details class="system"><summary><strong>(\w)', page)
    assert (opened, closed) == (["b", "b"], ["a", "a"])


def test_without_development_trials_the_best_system_of_a_list_is_open(undrawn):
    page = report_page(ReportData("t", "s", [result("a", shift=1.0), result("b"), result("a", "short")]))
    assert re.findall(r'<details open class="system"><summary><strong>(\w)', page) == ["b", "a"]


def test_a_system_shows_what_is_behind_its_numbers(undrawn):
    page = report_page(ReportData("t", "s", [detailed()]))
    words = " ".join(parsed(page).words)
    for part in ("EER", "minDCF(0.01)", "FAR 1 %", "FAR 0.1 %"):  # the development thresholds
        assert f'<th scope="row">{part}</th>' in page
    for part in (
        "By x column x column EER % 95 % interval minDCF (0.01) speakers target nontarget",
        "x value 6.250 5.0 to 9.0 0.123 5 7 65,432 alone – – – 1 0 3",
        "most false alarms at the threshold 0.3750, of the EER on the development trials",
        "x enrolled x tested x model x a.wav x utt x b.flac 44 of 144 5.7592",
        "x missed x m x u 2 of 9 -1.4174",
        "target-wrong (300) impostor-correct (700) x system 3.210 1.230",
        "95 % intervals of 1,000 bootstrap draws of the 24 speakers system EER % minDCF (0.01) "
        "x system 1.40 to 2.60 0.400 to 0.450",
    ):
        assert part in words


def test_the_legends_name_each_curve_and_each_mark():
    found = result()
    words = " ".join(parsed(report_page(ReportData("t", "s", [found, result("plda", dev=False)]))).words)
    numbers = found.evaluation
    assert f"cosine: EER {100 * numbers.eer:.2f} % plda: EER" in words
    assert "EER minDCF(0.01) minDCF(0.05) filled: at the development threshold" in words
    assert f"cosine: AUC {100 * numbers.auc:.2f} % plda: AUC" in words


def test_what_is_not_known_leaves_no_trace(undrawn):
    page = report_page(ReportData("t", "s", [result(dev=False)]))
    for absent in ("bootstrap draws", "Decisions at", "By ", "Taken for each", "one kind of", "Embeddings"):
        assert absent not in page


def test_folders_that_are_not_there_are_not_taken_for_free_of_rejected_items():
    words = " ".join(parsed(report_page(ReportData("t", "s", [], unseen=["data/dev", "data/test"]))).words)
    assert "Not searched, because it is not there: data/dev, data/test" in words


def test_wide_tables_scroll_by_themselves_and_by_the_keyboard(page):
    assert page.count("<table") == page.count('<div class="scroll" tabindex="0"><table')


def test_a_page_of_many_trials_and_systems_stays_small():
    random = np.random.default_rng(0)
    systems = []
    for number in range(6):
        scores = ScoreSet(random.normal(2, 1, 1600), random.normal(0, 1, 40000))
        thresholds = find_thresholds(scores, DEFAULT_POINTS)
        systems.append(SystemResult.from_scores("test", f"s{number}", scores, dev_thresholds=thresholds))
    assert len(report_page(ReportData("t", "s", systems))) < 450_000


def test_report_json_has_the_numbers_of_the_page(data):
    written = json.loads(json.dumps(data.to_json(), allow_nan=False))
    assert [each["system"] for each in written["systems"]] == ["cosine", "plda", "cosine"]
    assert written["systems"][1]["eer"] == data.systems[1].evaluation.eer
    assert "det" not in written["systems"][1] and "sweep" not in written["systems"][1]
    assert [each["eer"] for each in written["epochs"]] == [0.2, 0.1]
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
    IdentificationResult("si", "cosine", Identification(840, 168, {1: 46, 5: 12})),
    IdentificationResult("si", "<b>&", Identification(840, 168, {1: 21, 5: 4})),
    IdentificationResult("short", "cosine", Identification(1840, 168, {1: 460, 5: 120})),
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


def test_verification_comes_before_identification(undrawn, data):
    page = report_page(ReportData("t", "s", data.systems, identification=IDENTIFIED))
    assert page.index("short: 100 target") < page.index("si: closed-set") < page.index("<h2>Training")
