"""`wespk map-embeddings`: which utterances it shows, and what it says of the rest."""

import json
import sys

import numpy as np
import pytest

from wespk.cli.main import main
from wespk.cli.map_embeddings import choose
from wespk.data.archives import write_archive

MAP = ["map-embeddings", "x.scp", "test/utt2spk", "map.json"]


@pytest.fixture
def embeddings(tmp_path, monkeypatch):
    """Make x.scp and test/utt2spk of some speakers; return their utterances."""
    monkeypatch.chdir(tmp_path)

    def make(speakers: int, utts: int) -> dict[str, str]:
        random = np.random.default_rng(0)
        speaker_of = {f"s{s:03d}-{u:03d}": f"s{s:03d}" for s in range(speakers) for u in range(utts)}
        centre = {spk: random.normal(size=8) for spk in sorted(set(speaker_of.values()))}
        items = ((utt, centre[spk] + 0.1 * random.normal(size=8)) for utt, spk in speaker_of.items())
        write_archive("x.ark", "x.scp", items)
        (tmp_path / "test").mkdir()
        (tmp_path / "test/utt2spk").write_text("".join(f"{u} {s}\n" for u, s in speaker_of.items()))
        return speaker_of

    return make


def run(capsys, *arguments):
    main([*MAP[:1], *arguments, *MAP[1:]])
    with open("map.json", encoding="utf-8") as stream:
        return json.load(stream), capsys.readouterr().out


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        run(capsys, *arguments)
    assert stop.value.code == 1
    return capsys.readouterr().err


def test_every_utterance_is_a_point_with_its_speaker(embeddings, capsys):
    speaker_of = embeddings(2, 4)
    record, said = run(capsys)
    assert record["set"] == "test" and record["method"] == "t-SNE (cosine)" and record["seed"] == 0
    assert {utt: spk for _, _, utt, spk in record["points"]} == speaker_of
    assert all(np.isfinite(point[:2]).all() for point in record["points"])
    assert record["left_out"] == {"utterances": 0, "speakers": 0}
    assert "8 embeddings of 2 speakers; left out 0 utterances and 0 speakers" in said


def test_the_same_command_gives_the_same_file(embeddings, capsys, tmp_path):
    embeddings(3, 5)
    run(capsys)
    first = (tmp_path / "map.json").read_bytes()
    run(capsys)
    assert (tmp_path / "map.json").read_bytes() == first


def test_what_is_left_out_is_counted(embeddings, capsys):
    embeddings(40, 21)
    record, said = run(capsys, "--method", "pca")
    assert len(record["points"]) == 600 and len({spk for *_, spk in record["points"]}) == 30
    assert record["left_out"] == {"utterances": 240, "speakers": 10}
    assert "600 embeddings of 30 speakers; left out 240 utterances and 10 speakers" in said
    record, _ = run(capsys, "--method", "pca", "--max-per-speaker", "3")
    assert len(record["points"]) == 120 and record["left_out"] == {"utterances": 720, "speakers": 0}


def test_the_choice_depends_on_ids_and_seed_only():
    speaker_of = {f"s{s}-{u}": f"s{s}" for s in range(5) for u in range(9)}
    chosen = choose(speaker_of, 3, seed=1)
    assert chosen == choose(dict(reversed(speaker_of.items())), 3, seed=1) == sorted(chosen)
    assert chosen != choose(speaker_of, 3, seed=2)
    assert len(choose({f"a-{n}": "a" for n in range(900)}, 900, seed=0)) == 600


def test_bad_input_is_one_line(embeddings, capsys, monkeypatch, tmp_path):
    embeddings(1, 2)
    assert "x.scp: 2 embeddings: a map needs at least 3" in fails(capsys)
    (tmp_path / "test/utt2spk").write_text("s000-000 s000\n")
    assert "test/utt2spk: 's000-001' of x.scp has no speaker (1 so)" in fails(capsys)


def test_without_scikit_learn_the_extra_and_pca_are_named(embeddings, capsys, monkeypatch):
    embeddings(2, 3)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    assert "pip install 'wespk[recipes]', or take --method pca" in fails(capsys)
    run(capsys, "--method", "pca")
