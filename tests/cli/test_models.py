"""`wespk models` prints the networks, or the layers of one, and writes its table into a page."""

import re

import pytest

from wespk.core.files import read_text, write_text
from wespk.models.catalogue import VARIANTS

BEGIN, END = "<!-- wespk models -->", "<!-- end of wespk models -->"


@pytest.fixture
def two_networks(monkeypatch):
    """Only the first two networks of the catalogue: counting all of them takes seconds."""
    monkeypatch.setattr("wespk.models.catalogue.variants", lambda: VARIANTS[:2])


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_the_table_names_every_size(verb, two_networks):
    heads, _, *rows = verb("models").rstrip().splitlines()
    assert cells(heads)[0] == "network" and cells(heads)[-1] == "paper"
    assert cells(rows[0]) == [
        *("tdnn", "512", "4.61", "4.61 WeSpeaker", "0.53", "0.53", "15", "15", "Snyder et al. 2018")
    ]
    assert [cells(row)[0] for row in rows] == ["tdnn", "ecapa_tdnn"]


def test_published_sizes_stand_beside_other_columns_too(verb, two_networks):
    row = cells(verb("models", "--feat-dim", 40).splitlines()[2])
    assert row[2:4] == ["4.51", "4.61 WeSpeaker"]  # 5 x 40 x 512 weights fewer


def test_layers_of_one_network_are_printed_to_a_depth(verb):
    out = verb("models", "campplus", "--set", "depths=[1, 1, 1]", "--set", "embedding_dim=24")
    head, options, _, _, *rows = out.rstrip().splitlines()
    assert head.startswith("campplus: 80 columns -> 24, ") and "receptive field" in head
    assert "depths=(12, 24, 16)" in options and "feat_dim" not in options
    assert cells(rows[0])[:3] == ["head", "ConvolutionHead", "320 x 200"]
    assert cells(rows[1])[:3] == ["first", "Sequential", "32 x 80 x 200"]
    assert len(verb("models", "campplus", "--depth", 1).splitlines()) < len(rows)
    assert len(verb("models", "campplus", "--depth", 4).splitlines()) > len(rows)


@pytest.mark.parametrize(
    "settings", [["pooling={name: astp, bottleneck: 8}"], ["pooling.name=astp", "pooling.bottleneck=8"]]
)
def test_options_are_set_as_in_training(verb, settings):
    out = verb("models", "tdnn", "--depth", "1", *(word for each in settings for word in ("--set", each)))
    assert "ChannelAttentiveStatisticsPooling" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["campplu"], "unknown model 'campplu': did you mean 'campplus'?"),
        (["tdnn", "--set", "hiden_dim=3"], "unknown key 'hiden_dim': did you mean 'hidden_dim'?"),
        (["tdnn", "--set", "hidden_dim"], "--set hidden_dim: write it as section.key=value"),
        (["tdnn", "--set", "name=resnet34"], "--set name=resnet34: the network is tdnn; name one of them"),
        (["tdnn", "--set", "pooling={"], "--set pooling={: '{' is not a valid YAML value"),
        (["tdnn", "--set", "name=[a]"], "--set: 'name': input should be a valid string"),
        (["tdnn", "--set", "name.x=3"], "--set name.x=3: 'name' is a value, not a section"),
        (["tdnn", "--set", "feat_dim=3"], "'feat_dim' is derived from the data; remove it"),
        (["tdnn", "--feat-dim", "0"], "--feat-dim 0: must be at least 1"),
        (["tdnn", "--depth", "0"], "--depth 0: must be at least 1"),
        (["--depth", "2"], "--set and --depth are of one network; name it"),
        (["--set", "a=b"], "--set and --depth are of one network; name it"),
        (["tdnn", "--write", "models.md"], "--write writes the table of all networks at 80 columns"),
        (["--feat-dim", "40", "--write", "models.md"], "--write writes the table of all networks"),
        (["--write", "models.md"], "models.md: no such file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(verb, arguments, message):
    assert message in verb("models", *arguments, status=1)


def test_the_table_is_written_between_its_marks(verb, two_networks, tmp_path):
    path = tmp_path / "models.md"
    write_text(path, f"# Networks\n\n{BEGIN}\nold\n{END}\n\nprose\n")
    assert verb("models", "--write", "models.md") == "models.md: the table was out of date and is written\n"
    text = read_text(path)
    assert text.startswith(f"# Networks\n\n{BEGIN}\n\n| network |") and text.endswith(f"{END}\n\nprose\n")
    assert "| `ecapa_tdnn` | 192 | 6.19 |" in text and "old" not in text
    assert verb("models", "--write", "models.md") == "models.md: the table is up to date\n"
    assert read_text(path) == text


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{END}\n" * 2])
def test_a_file_without_the_marks_is_left_as_it_is(verb, tmp_path, text):
    write_text(tmp_path / "models.md", text)
    assert f"models.md: put the lines `{BEGIN}`" in verb("models", "--write", "models.md", status=1)
    assert read_text(tmp_path / "models.md") == text
