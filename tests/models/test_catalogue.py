"""The networks of the catalogue have the sizes that are published for them, and those on docs/models.md."""

import math

import pytest
from torch import nn

from wespk.cli.models_table import networks_markdown
from wespk.core.files import read_text
from wespk.models import REGISTRY
from wespk.models.catalogue import VARIANTS, variants
from wespk.models.summary import summarise


@pytest.fixture(scope="module")
def summaries():
    """The sizes of every variant, which take seconds to count."""
    return [(variant, summarise(variant.component)) for variant in VARIANTS]


def has_printed_digits(value: float, printed: str) -> bool:
    """Whether `value`, rounded or cut, reads as `printed`."""
    digits = len(printed.partition(".")[2])
    cut = math.floor(value * 10**digits) / 10**digits
    return printed in (f"{value:.{digits}f}", f"{cut:.{digits}f}")


def test_printed_digits_may_be_rounded_or_cut():
    assert has_printed_digits(14.657, "14.65") and has_printed_digits(20.761, "20.8")
    assert not has_printed_digits(14.661, "14.65") and not has_printed_digits(20.7, "20.8")
    assert has_printed_digits(7.2, "7") and not has_printed_digits(8, "7")


def test_parameters_are_the_published_ones(summaries):
    for variant, summary in summaries:
        if variant.published:
            assert has_printed_digits(summary.parameters / 1e6, variant.published.parameters), variant.label


def test_multiply_accumulates_are_at_most_a_tenth_below_the_published_ones(summaries):
    """Theirs count normalisation too, and the context that frames share at each of them."""
    for variant, summary in summaries:
        if variant.published and variant.published.macs:
            assert 0.9 < summary.macs / 1e9 / float(variant.published.macs) < 1.002, variant.label


def test_the_page_has_the_table_of_today(summaries, root):
    page = read_text(root / "docs" / "models.md")
    assert networks_markdown(summaries) in page, "run `wespk models --write docs/models.md`"


def test_every_registered_network_is_described_once_at_its_defaults():
    assert sorted(each.name for each in VARIANTS if not each.options) == sorted(REGISTRY)
    assert variants() == VARIANTS


class Toy(nn.Linear):
    def __init__(self, feat_dim: int) -> None:
        super().__init__(feat_dim, 4)
        self.embedding_dim = 4


def test_a_network_that_is_not_described_yet_is_listed_nevertheless(monkeypatch):
    monkeypatch.setitem(REGISTRY, "toy", f"{__name__}:Toy")
    *described, last = variants()
    assert (tuple(described), last.label, last.paper) == (VARIANTS, "toy", None)
    (row,) = networks_markdown([(last, summarise(last.component))]).splitlines()[2:]
    assert row == "| `toy` | 4 | 0.00 | – | 0.00 | – | – | – | – |"
