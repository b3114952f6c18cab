"""Blocks of a Markdown file are found and filled; everything around them stays as it is, to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.metrics.blocks import END, Block, begin_marker, fill_blocks, find_blocks

TEXT = f"""# Results
prose <!-- wespk results exp/not/a/line -->

<!-- wespk results exp/ecapa test test_3 systems=plda,cosine -->
old
{END}
  <!--wespk results ../an4/exp/a-->
{END}
after
"""


def test_a_block_names_the_experiment_the_lists_and_the_systems():
    assert find_blocks(TEXT) == [
        Block("exp/ecapa", ("test", "test_3"), ("plda", "cosine"), 4, 6),
        Block("../an4/exp/a", (), (), 7, 8),
    ]


def test_only_the_inside_of_a_block_is_replaced():
    one, other = find_blocks(TEXT)
    filled = fill_blocks(TEXT, {one: "a\nb\n", other: "c"})
    assert filled == TEXT.replace("old\n", "\na\nb\n\n").replace(f"a-->\n{END}", f"a-->\n\nc\n\n{END}")
    assert fill_blocks(TEXT, {}) == TEXT


def test_filling_again_changes_nothing():
    filled = fill_blocks(TEXT, dict.fromkeys(find_blocks(TEXT), "table"))
    assert fill_blocks(filled, dict.fromkeys(find_blocks(filled), "table")) == filled


@given(st.text(), st.text(), st.sampled_from(["\n", "\r\n"]))
def test_any_prose_around_a_block_is_kept(before, after, line_end):
    markers = line_end.join([begin_marker("exp/a"), "old", END])
    text = f"{before.replace('`', '').replace('~', '')}{line_end}{markers}{line_end}{after}"
    (block,) = find_blocks(text)
    inside = line_end.join([begin_marker("exp/a"), "", "one", "two", "", END])
    assert fill_blocks(text, {block: "one\ntwo\n"}) == text.replace(markers, inside)


@pytest.mark.parametrize("fence", ["```", "~~~~", "  ````"])
def test_an_explanation_of_the_markers_in_fenced_code_is_no_block(fence):
    inside = f"{fence} markdown\n{begin_marker('exp/a')}\n``\n~~~\n{fence}\n"
    assert find_blocks(inside) == []
    assert len(find_blocks(f"{inside}{begin_marker('exp/b')}\n{END}\n")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"\n{begin_marker('a')}\n", r"^2: the block does not end; add `<!-- end of wespk results -->`"),
        (f"{begin_marker('a')}\n{begin_marker('b')}\n{END}\n", r"^1: the block does not end before the next"),
        (f"\n\n{END}\n", r"^3: a block ends here that has not begun"),
        (
            f"<!-- wespk results systems=a -->\n{END}",
            r"^1: the comment names no experiment; write `<!-- wespk",
        ),
    ],
)
def test_unpaired_comments_are_refused_with_their_line(text, message):
    with pytest.raises(WespkError, match=message):
        find_blocks(text)
