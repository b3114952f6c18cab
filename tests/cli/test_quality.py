"""`wespk compute-quality`: the table of measures, what is left out, and errors."""

import kaldiio
import numpy as np
import pytest

from wespk.backend.score_norm import top_k_statistics
from wespk.data.columns import read_columns
from wespk.data.datadir import write_data_dir

UTTS = ["s0-a", "s0-b", "s1-a", "s1-b"]


@pytest.fixture
def folder(tmp_path):
    """A data directory with durations, embeddings of three of its four utterances, and a cohort."""
    write_data_dir(tmp_path / "data", {u: f"{u}.wav" for u in UTTS}, {u: u[:2] for u in UTTS})
    (tmp_path / "data/utt2dur").write_text("".join(f"{u} {n + 1.5}\n" for n, u in enumerate(UTTS)))
    rng = np.random.default_rng(0)
    save(tmp_path, "x", {utt: rng.standard_normal(4) for utt in UTTS[:3]})
    save(tmp_path, "cohort", {f"c{n}": rng.standard_normal(4) for n in range(9)})
    return tmp_path


def save(folder, name, table):
    folder.mkdir(exist_ok=True)
    with kaldiio.WriteHelper(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as write:
        for key, vector in table.items():
            write(key, np.asarray(vector, dtype=np.float32))


def vectors(folder, name):
    return np.stack([np.array(vector) for vector in kaldiio.load_scp(str(folder / f"{name}.scp")).values()])


def columns(folder):
    table = read_columns(folder / "out")
    assert table.key_kind == "utterance"
    return {name: {utt: float(text) for utt, text in table.values[name].items()} for name in table.names}


def voices(folder, utts=UTTS):
    save(folder / "data", "vad", {utt: [0, 1, 1, 0, 1] if utt[0] == "s" else [0] for utt in utts})


def test_all_measures_that_can_be_computed_are_written_and_named(folder, verb):
    printed = verb("compute-quality", "data", "x.scp", "out").splitlines()
    found = columns(folder)
    assert list(found) == ["duration", "magnitude"]
    assert found["duration"] == {"s0-a": 1.5, "s0-b": 2.5, "s1-a": 3.5}
    lengths = np.linalg.norm(vectors(folder, "x"), axis=1)
    np.testing.assert_allclose(list(found["magnitude"].values()), lengths, rtol=1e-6)
    assert printed == [
        "out: without voiced: there is no data/vad.scp; `wespk compute-vad` makes it",
        "out: without cohort_mean: there is no --cohort",
        "out: duration, magnitude of 3 utterances; 1 utterances of data have no embedding and no line",
    ]


def test_voiced_frames_come_from_vad_and_cohort_means_from_the_steps(folder, verb):
    voices(folder)
    verb("compute-mean", "cohort.scp", "mean.vec")
    options = ["--mean", "mean.vec", "--cohort", "cohort.scp", "--top-k", 3]
    verb("compute-quality", *options, "data", "x.scp", "out")
    found = columns(folder)
    assert list(found) == ["duration", "voiced", "magnitude", "cohort_mean"]
    assert set(found["voiced"].values()) == {3.0}
    mean = vectors(folder, "cohort").mean(axis=0)
    expected = top_k_statistics(vectors(folder, "x") - mean, vectors(folder, "cohort") - mean, 3).mean
    np.testing.assert_allclose(list(found["cohort_mean"].values()), expected, rtol=1e-5)
    lengths = np.linalg.norm(vectors(folder, "x"), axis=1)  # raw, before the steps
    np.testing.assert_allclose(list(found["magnitude"].values()), lengths, rtol=1e-6)


def test_only_what_is_asked_for_is_written_in_its_order(folder, verb):
    verb("compute-quality", "--measures", "magnitude,duration", "data", "x.scp", "out")
    assert list(columns(folder)) == ["magnitude", "duration"]


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (None, ["--measures", "voiced"], "no voiced: there is no data/vad.scp"),
        (None, ["--measures", "cohort_mean"], "no cohort_mean: there is no --cohort"),
        (None, ["--measures", "snr"], "'snr' is unknown or comes twice"),
        (None, ["--measures", "voiced,voiced"], "'voiced' is unknown or comes twice"),
        (None, ["--cohort-utt2spk", "data/utt2spk"], "transforms are for --cohort SCP"),
        (None, ["--top-k", 5], "transforms are for --cohort SCP"),
        (None, ["--mean", "m.vec"], "transforms are for --cohort SCP"),
        (None, ["--exclude-overlap"], "transforms are for --cohort SCP"),
        (None, ["--measures", "voiced", "--cohort", "cohort.scp"], "--cohort is for cohort_mean"),
        (None, ["--cohort", "cohort.scp"], "cohort.scp: top_k is 300, but the cohort has 9"),
        (None, ["--cohort", "x.scp", "--top-k", 2], "x.scp: 's0-a' is in the trials too"),
        (lambda d: save(d, "x", {"s9": [1]}), [], "x.scp: 's9' is not in data (1 are not)"),
        (lambda d: voices(d, UTTS[1:]), ["--measures", "voiced"], "vad.scp"),
        (
            lambda d: (d / "data/utt2dur").unlink(),
            ["--measures", "duration"],
            "no duration: 3 utterances have",
        ),
    ],
)
def test_bad_input_is_one_line(folder, verb, spoil, options, message):
    if spoil:
        spoil(folder)
    assert message in verb("compute-quality", *options, "data", "x.scp", "out", status=1)
    assert not (folder / "out").exists()
