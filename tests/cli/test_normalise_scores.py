"""`wespk normalise-scores`: the four methods by cosine and PLDA, the cohort, what is recorded, and errors."""

import json

import kaldiio
import numpy as np
import pytest

from wespk.backend import Plda, normalise_length
from wespk.backend.embeddings import average_per_model
from wespk.backend.scorer import cosine_scores, plda_scores
from wespk.data.kaldi_objects import write_plda

DIM = 8


@pytest.fixture
def folder(tmp_path):
    """Embeddings of test and train, enrol (2 utterances a model), trials, utt2spk of train, a PLDA."""
    rng = np.random.default_rng(12)
    tests = {f"t{n:02d}": vector for n, vector in enumerate(rows(rng, 12))}
    train = {f"c{n:02d}": vector for n, vector in enumerate(rows(rng, 24))}
    for name, table in (("test", tests), ("train", train)):
        save(tmp_path, name, table)
    (tmp_path / "utt2spk").write_text("".join(f"{utt} spk{n % 5}\n" for n, utt in enumerate(train)))
    (tmp_path / "enrol").write_text("m0 t00 t01\nm1 t02\nt03 t03\n")
    models = ["m0", "m1", "t03"]
    pairs = [(model, f"t{n:02d}") for model in models for n in range(3, 8)]
    (tmp_path / "trials").write_text(
        "".join(f"{m} {u} {'target' if n % 4 else 'nontarget'}\n" for n, (m, u) in enumerate(pairs))
    )
    (tmp_path / "pairs").write_text("".join(f"t{n:02d} t{(n + 5) % 12:02d} nontarget\n" for n in range(12)))
    write_plda(tmp_path / "plda", np.zeros(DIM), rng.standard_normal((DIM, DIM)), np.linspace(3, 0.5, DIM))
    return tmp_path


def rows(rng, count):
    return (rng.standard_normal((count, DIM)) + 0.5).astype(np.float32)


def save(folder, name, table):
    with kaldiio.WriteHelper(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as write:
        for key, vector in table.items():
            write(key, vector)


def vectors(folder, name):
    return {key: np.array(vector) for key, vector in kaldiio.load_scp(str(folder / f"{name}.scp")).items()}


def read(path):
    lines = [line.split() for line in path.read_text().splitlines()]
    return [tuple(line[:2]) for line in lines], np.array([float(line[2]) for line in lines])


def literal(folder, method, scores_of, cohort, top_k):
    """Normalise trial by trial; scores_of(enrol, num_utts, test) scores one pair."""
    utts = vectors(folder, "test")
    enrolment = {m: u for m, *u in (line.split() for line in (folder / "enrol").read_text().splitlines())}
    stored = {}

    def of_cohort(key, scores):
        if key not in stored:
            stored[key] = sorted(scores())[-top_k:]
        return stored[key]

    result = []
    for model, test, _ in (line.split() for line in (folder / "trials").read_text().splitlines()):
        enrol = np.mean([utts[utt] for utt in enrolment[model]], axis=0), len(enrolment[model])
        raw = scores_of(*enrol, utts[test])
        of_model = of_cohort((model, "enrol"), lambda e=enrol: [scores_of(*e, c) for c, _ in cohort])
        of_test = of_cohort((test, "test"), lambda t=utts[test]: [scores_of(c, n, t) for c, n in cohort])
        sides = [(raw - np.mean(of)) / np.std(of) for of in (of_model, of_test)]
        result.append({"z": sides[0], "t": sides[1]}.get(method, np.mean(sides)))
    return np.array(result)


def by_cosine(enrol, count, test):
    return cosine_scores(enrol[None], test[None], [0], [0])[0]


def by_plda(folder):
    from wespk.data.kaldi_objects import read_plda

    plda = Plda(*read_plda(folder / "plda"))

    def score(enrol, count, test):
        left, right = (normalise_length(side[None], "sqrt_dim") for side in (enrol, test))
        return plda_scores(plda, left, count, right, [0], [0])[0]

    return score


def cohort_of(folder, by_speaker):
    table = vectors(folder, "train")
    if not by_speaker:
        return [(vector, 1) for vector in table.values()]
    labels = [line.split()[1] for line in (folder / "utt2spk").read_text().splitlines()]
    names, owner = np.unique(labels, return_inverse=True)
    return list(zip(*average_per_model(np.stack(list(table.values())), owner, len(names)), strict=True))


@pytest.mark.parametrize("method", ["z", "t", "s", "as"])
@pytest.mark.parametrize("by_speaker", [False, True])
@pytest.mark.parametrize("scorer", ["cosine", "plda"])
def test_each_method_equals_the_literal_one(folder, verb, method, by_speaker, scorer):
    options = ["--method", method, "--enrol", "enrol", "--cohort", "train.scp"]
    options += ["--cohort-utt2spk", "utt2spk"] * by_speaker + ["--plda", "plda"] * (scorer == "plda")
    top_k = 4 if method == "as" else 24
    printed = verb(
        "normalise-scores", *options, *["--top-k", 4] * (method == "as"), "test.scp", "trials", "out.score"
    )
    pairs, scores = read(folder / "out.score")
    assert pairs == read_pairs(folder)
    scores_of = by_cosine if scorer == "cosine" else by_plda(folder)
    expected = literal(folder, method, scores_of, cohort_of(folder, by_speaker), top_k)
    np.testing.assert_allclose(scores, expected, rtol=2e-4, atol=2e-4)
    record = json.loads((folder / "out.json").read_text())
    assert record["method"] == method and record["top_k"] == (4 if method == "as" else None)
    assert record["members"] == (5 if by_speaker else 24) and record["excluded"] == 0
    assert record["kind"] == ("speaker means" if by_speaker else "utterances")
    assert record["scorer"].startswith("PLDA plda" if scorer == "plda" else "cosine")
    assert record["cohort"] == "train.scp" and record["deviation"] == "divided by the number of scores"
    assert f"a cohort of {record['members']} {record['kind']}" in printed


def read_pairs(folder):
    return [tuple(line.split()[:2]) for line in (folder / "trials").read_text().splitlines()]


def test_scores_of_a_file_are_normalised_as_those_computed(folder, verb):
    verb("score-cosine", "--enrol", "enrol", "test.scp", "trials", "raw.score")
    options = ["--top-k", 5, "--enrol", "enrol", "--cohort", "train.scp"]
    verb("normalise-scores", *options, "test.scp", "trials", "one.score")
    verb("normalise-scores", *options, "--scores", "raw.score", "test.scp", "trials", "other.score")
    np.testing.assert_allclose(
        read(folder / "one.score")[1], read(folder / "other.score")[1], rtol=1e-4, atol=1e-5
    )
    (folder / "raw.score").write_text((folder / "raw.score").read_text().replace("m0 t05 ", "m0 t05 1"))
    spoilt = ["--scores", "raw.score", "test.scp", "trials", "third.score"]
    refused = verb("normalise-scores", *options, *spoilt, status=1)
    assert "raw.score:3: the score is 1" in refused and "give the options that it was scored with" in refused


def test_an_utterance_on_both_sides_is_normalised_alike_on_both(folder, verb):
    options = ["--top-k", 5, "--cohort", "train.scp", "test.scp"]
    verb("normalise-scores", *options, "pairs", "one.score")
    turned = [line.split() for line in (folder / "pairs").read_text().splitlines()]
    (folder / "turned").write_text("".join(f"{u} {m} {label}\n" for m, u, label in turned))
    verb("normalise-scores", *options, "turned", "other.score")
    np.testing.assert_allclose(read(folder / "one.score")[1], read(folder / "other.score")[1], rtol=1e-5)


def test_steps_apply_to_the_cohort_too(folder, verb):
    verb("compute-mean", "train.scp", "mean.vec")
    options = ["--top-k", 5, "--enrol", "enrol", "--cohort", "train.scp", "--cohort-utt2spk", "utt2spk"]
    verb("normalise-scores", "--mean", "mean.vec", *options, "test.scp", "trials", "one.score")
    mean = np.mean(list(vectors(folder, "train").values()), axis=0)
    for name in ("test", "train"):
        save(folder, name, {key: vector - mean for key, vector in vectors(folder, name).items()})
    verb("normalise-scores", *options, "test.scp", "trials", "other.score")
    np.testing.assert_allclose(
        read(folder / "one.score")[1], read(folder / "other.score")[1], rtol=1e-4, atol=1e-4
    )


def overlap(folder):
    """Put two utterances of the trials into the cohort, of the speakers spk0 and spkx."""
    tests = vectors(folder, "test")
    save(folder, "train", {**vectors(folder, "train"), "t00": tests["t00"], "t07": tests["t07"]})
    (folder / "utt2spk").write_text((folder / "utt2spk").read_text() + "t00 spk0\nt07 spkx\n")


def test_a_cohort_that_is_in_the_trials_is_refused(folder, verb):
    overlap(folder)
    options = ["--enrol", "enrol", "--cohort", "train.scp", "test.scp", "trials", "out.score"]
    refused = verb("normalise-scores", "--top-k", 4, *options, status=1)
    assert "train.scp: 't00' is in the trials too (2 of the cohort are)" in refused
    assert "--exclude-overlap" in refused and not (folder / "out.score").exists()


@pytest.mark.parametrize("by_speaker", [False, True])
def test_what_is_in_the_trials_can_be_left_out_of_the_cohort(folder, verb, by_speaker):
    options = ["--top-k", 3, "--enrol", "enrol", "--cohort", "train.scp"]
    options += ["--cohort-utt2spk", "utt2spk"] * by_speaker
    if by_speaker:  # then the speaker spk0 goes as a whole
        kept = {u: v for n, (u, v) in enumerate(vectors(folder, "train").items()) if n % 5}
        save(folder, "less", kept)
        options[5] = "less.scp"
    verb("normalise-scores", *options, "test.scp", "trials", "one.score")
    overlap(folder)
    options[5] = "train.scp"
    printed = verb("normalise-scores", *options, "--exclude-overlap", "test.scp", "trials", "other.score")
    assert (folder / "one.score").read_text() == (folder / "other.score").read_text()
    count = 7 if by_speaker else 2
    assert json.loads((folder / "other.json").read_text())["excluded"] == count
    assert f"({count} utterances of the trials' speakers excluded)" in printed


def test_trials_without_embedding_are_left_out_where_that_is_allowed(folder, verb):
    (folder / "trials").write_text((folder / "trials").read_text() + "m0 t99 target\n")
    options = ["--top-k", 4, "--enrol", "enrol", "--cohort", "train.scp", "test.scp", "trials", "out.score"]
    assert "trials:16: test-id 't99'" in verb("normalise-scores", *options, status=1)
    verb("normalise-scores", "--allow-missing", *options)
    assert len(read(folder / "out.score")[0]) == 15
    assert (folder / "out.score.missing").read_text() == "m0 t99 target\n"


def repeat(folder):
    one = next(iter(vectors(folder, "train").values()))
    save(folder, "train", {f"c{n}": one for n in range(6)})


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (None, ["--top-k", 25], "train.scp: top_k is 25, but the cohort has 24 embeddings; lower top_k"),
        (None, [], "top_k is 300, but the cohort has 24"),
        (None, ["--top-k", 1], "top_k is 1; a deviation needs 2 or more of the 24"),
        (None, ["--method", "z", "--top-k", 3], "--top-k is for --method as; Z-norm takes the whole cohort"),
        (None, ["--top-k", 3, "--scores", "x", "--allow-missing"], "leave --allow-missing away"),
        (repeat, ["--top-k", 3], "the 3 cohort scores that count are all equal"),
        (lambda d: (d / "train.scp").write_text(""), ["--top-k", 3], "train.scp: "),
        (lambda d: (d / "utt2spk").write_text("c00 s\n"), ["--cohort-utt2spk", "utt2spk"], "'c01' of train"),
        (lambda d: save(d, "train", {"c": np.full(DIM, np.nan, np.float32)}), [], "train.scp: 'c' holds NaN"),
        (lambda d: save(d, "train", {"c": np.zeros(DIM, np.float32)}), [], "train.scp: 'c' is a zero vector"),
        (lambda d: save(d, "train", {"c": np.ones(9, np.float32)}), [], "train.scp: embeddings of 9 dim"),
        (lambda d: (d / "trials").write_text("x t03 target\n"), [], "trials: none of its models has"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(folder, verb, spoil, options, message):
    if spoil:
        spoil(folder)
    inputs = ["--enrol", "enrol", "--cohort", "train.scp", "test.scp", "trials", "out.score"]
    assert message in verb("normalise-scores", *options, *inputs, status=1)
    assert not (folder / "out.score").exists()


def test_scores_are_not_named_as_their_record(folder, verb):
    inputs = ["--cohort", "train.scp", "--top-k", 3, "--enrol", "enrol", "test.scp", "trials"]
    assert "out.json: is where the record goes" in verb("normalise-scores", *inputs, "out.json", status=1)
