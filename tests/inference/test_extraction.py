"""Extraction in batches: the embeddings of one by one, in order, whatever was loaded how."""

import os
import signal

import numpy as np
import pytest
import soundfile
import torch

from wespk.core.errors import WespkError
from wespk.data.audio import AudioError, AudioOptions
from wespk.data.datadir import load_data_dir
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec
from wespk.features.extractor import normalise
from wespk.inference.extraction import Extraction, windows
from wespk.inference.loading import GROUP, FeaturesOfAudio, Loaded, Preparation, load_utterances

RESNET = {"name": "resnet34", "channels": 4, "embedding_dim": 6}
LENGTHS = [40, 9, 25, 300, 12, 25, 61, 8, 200, 33]


@pytest.fixture
def model(make_model):
    return make_model(RESNET)


@pytest.fixture
def features():
    random = np.random.default_rng(0)
    return {
        f"u{number}": random.normal(number, 3, (length, 16)).astype(np.float32)
        for number, length in enumerate(LENGTHS)
    }


def extracted(model, features, workers=0, batch_frames=100, bf16=False, **choices):
    prepare = Preparation(model.spec, min_frames=model.min_frames, **choices)
    extraction = Extraction(model, prepare, batch_frames, workers, bf16)
    return list(extraction(features.__getitem__, list(features))), extraction.tally


def distance(one, other):
    one, other = one.astype(np.float64), other.astype(np.float64)
    return 1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_frames", [1, 100, 5000, None])
def test_batches_equal_one_by_one_in_the_order_asked_for(model, features, batch_frames, workers):
    results, tally = extracted(model, features, workers, batch_frames)
    assert [utt for utt, _ in results] == list(features)
    for utt, embedding in results:
        alone = model.embed(normalise(features[utt], model.spec))
        assert distance(embedding, alone) < 1e-5
        np.testing.assert_allclose(embedding, alone, rtol=1e-4, atol=1e-5)
    assert tally.utterances == len(features)
    assert tally.took > 0
    assert tally.hours == pytest.approx(sum(LENGTHS) * 0.01 / 3600)


def test_many_windows_give_the_same_as_one(model):
    random = np.random.default_rng(1)
    features = {f"u{number:03d}": random.normal(size=(20, 16)) for number in range(100)}
    few = extracted(model, features, batch_frames=20)[0]  # a window is full at 16 batches of one
    many = extracted(model, features, batch_frames=4000)[0]
    for (utt, one), (other_utt, other) in zip(few, many, strict=True):
        assert utt == other_utt and distance(one, other) < 1e-6


def test_a_second_run_gives_the_same_bytes(model, features):
    one, other = (extracted(model, features)[0] for _ in range(2))
    for (_, first), (_, second) in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_results_do_not_depend_on_the_number_of_threads(model, features):
    one = extracted(model, features)[0]
    torch.set_num_threads(2)
    try:
        other = extracted(model, features)[0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    for (_, first), (_, second) in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_bf16_is_near(model, features):
    for utt, embedding in extracted(model, features, bf16=True)[0]:
        alone = model.embed(normalise(features[utt], model.spec))
        assert embedding.dtype == np.float32 and 0 < distance(embedding, alone) < 1e-2


@pytest.mark.filterwarnings("error")
def test_an_utterance_that_cannot_be_used_does_not_touch_the_others(model, features):
    good = dict(extracted(model, features)[0])
    broken = {**features, "u2": np.full((25, 16), np.nan, np.float32), "u4": features["u4"][:7]}
    broken["u6"] = np.full((61, 16), np.inf, np.float32)
    broken["u5"] = np.zeros((0, 16), np.float32)
    results = dict(extracted(model, broken)[0])
    reasons = {utt: str(each) for utt, each in results.items() if isinstance(each, AudioError)}
    assert reasons == {
        "u2": "not finite: the network gives NaN or infinity for these features",
        "u4": "too short: 7 frames, the network needs 8",
        "u5": "too short: 0 frames, the network needs 8",
        "u6": "not finite: the network gives NaN or infinity for these features",
    }
    for utt in features.keys() - reasons.keys():
        assert distance(results[utt], good[utt]) < 1e-6


def test_a_fault_comes_in_its_place_from_a_worker_too(model, features):
    def source(utt):
        if utt == "u3":
            raise AudioError("silent: all samples are equal")
        if utt == "u6":
            raise WespkError("the archive is damaged")
        return features[utt]

    prepare = Preparation(model.spec, min_frames=8)
    results = dict(Extraction(model, prepare, 100, workers=1)(source, list(features)))
    assert isinstance(results["u3"], AudioError) and str(results["u3"]) == "silent: all samples are equal"
    assert type(results["u6"]) is WespkError and str(results["u6"]) == "the archive is damaged"
    assert sum(isinstance(each, np.ndarray) for each in results.values()) == len(features) - 2


def test_long_utterances_are_the_mean_of_equal_chunks(model, features):
    results, tally = extracted(model, features, chunk_frames=110)
    thirds = [features["u3"][start : start + 100] for start in (0, 100, 200)]
    expected = model.embed_batch([normalise(each, model.spec) for each in thirds]).mean(axis=0)
    np.testing.assert_allclose(dict(results)["u3"], expected, rtol=1e-4, atol=1e-5)
    assert tally.averaged == 2  # of 300 and 200 frames


def test_max_duration_looks_at_the_first_frames_only(model, features):
    results, tally = extracted(model, features, most_frames=50)
    expected = model.embed(normalise(features["u3"][:50], model.spec))
    assert distance(dict(results)["u3"], expected) < 1e-6
    assert tally.cut == 3 and tally.averaged == 0


def test_repeating_makes_short_utterances_usable(model, features):
    short = {"u0": features["u0"][:3], "u1": features["u1"][:0], "u2": features["u2"]}
    results, tally = extracted(model, short, repeat_short=True)
    repeated = features["u0"][[0, 1, 2, 0, 1, 2, 0, 1]]
    assert distance(results[0][1], model.embed(normalise(repeated, model.spec))) < 1e-6
    assert str(results[1][1]) == "too short: 0 frames, the network needs 8"
    assert tally.repeated == 1


def test_an_archive_that_is_normalised_stays_as_it_is_but_for_what_is_cut(features):
    spec = FeatureSpec(options=FbankOptions(num_mel_bins=16, dither=0), cmn="utterance", norm_vars=True)
    whole = normalise(features["u3"], spec)
    np.testing.assert_array_equal(Preparation(spec, raw=False)(whole)[0], whole)
    for choice in ({"most_frames": 70}, {"chunk_frames": 70}):
        of_raw = Preparation(spec, **choice)(features["u3"])
        of_normalised = Preparation(spec, raw=False, **choice)(whole)
        for one, other in zip(of_raw, of_normalised, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"most_frames": 7}, "--max-duration: 7 frames are too few for this network, which needs 8"),
        (
            {"chunk_frames": 15},
            "--chunk-duration: 15 frames are too few for this network, which needs 8 in either half",
        ),
    ],
)
def test_limits_that_the_network_cannot_work_with_are_refused(model, choice, message):
    with pytest.raises(WespkError, match=message):
        Preparation(model.spec, min_frames=8, **choice)


def test_windows_are_full_at_their_frames_and_lose_nothing():
    loaded = [Loaded(str(n), length, [np.zeros((length, 1))]) for n, length in enumerate(LENGTHS)]
    loaded.append(Loaded("x", 0, [], AudioError("empty: no samples")))
    found = list(windows(loaded, 100))
    assert [each.utt for window in found for each in window] == [each.utt for each in loaded]
    for window in found[:-1]:
        frames = [each.num_frames + 1 for each in window]
        assert sum(frames) >= 100 > sum(frames[:-1])


def test_features_of_recordings_are_those_of_the_extractor(make_corpus, make_model):
    path = make_corpus("data", speakers=2, utts=2)
    soundfile.write(path.parent / "wav/s00-u0.wav", np.zeros(8000), 16000)
    data, model = load_data_dir(path), make_model(RESNET)
    source = FeaturesOfAudio(data, AudioOptions(sample_rate=16000), model.spec.archived())
    results = dict(Extraction(model, Preparation(model.spec, min_frames=8), 100)(source, data.utterances))
    assert str(results.pop("s00-u0")).startswith("silent")
    for utt, embedding in results.items():
        alone = model.embed(FeatureExtractor(model.spec)(data.audio(utt, 16000), utt))
        assert distance(embedding, alone) < 1e-6


class NoLengths(torch.nn.Module):
    """A network of a user's own that knows nothing of padding."""

    embedding_dim = 16
    min_frames = 1

    def __init__(self, feat_dim: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(feat_dim))

    def forward(self, features):
        return (features * self.scale).mean(dim=1)


class TooLarge(NoLengths):
    """A network that needs more memory than there is."""

    def forward(self, features, lengths=None):
        return torch.empty(1 << 60)


@pytest.fixture
def own_model(model):
    def make(network):
        object.__setattr__(model, "network", network(16).eval())
        return model

    return make


def test_a_network_without_lengths_is_told_how_to_be_used(own_model, features):
    model = own_model(NoLengths)
    with pytest.raises(WespkError, match=r"NoLengths\.forward takes no `lengths`.*--batch-frames 1"):
        extracted(model, features, batch_frames=1000)
    results, _ = extracted(model, features, batch_frames=1)
    assert all(each.shape == (16,) for _, each in results)


def test_memory_that_does_not_suffice_is_said_with_a_remedy(own_model, features):
    with pytest.raises(WespkError, match=r"cpu: not enough memory for 1 x 40 frames; lower --batch-frames"):
        extracted(own_model(TooLarge), features, batch_frames=1)


@pytest.mark.filterwarnings("error")
def test_no_more_workers_than_there_is_work_for():
    def source(utt):
        return np.full((9, 16), os.getpid(), np.float64)

    utts = [str(number) for number in range(3 * GROUP)]
    loaded = list(load_utterances(source, Preparation(FeatureSpec(), raw=False), utts, workers=500))
    assert [each.utt for each in loaded] == utts
    assert len({each.inputs[0][0, 0] for each in loaded}) == 3


def test_a_worker_that_dies_is_reported(features):
    def source(utt):
        os.kill(os.getpid(), signal.SIGKILL)

    prepare = Preparation(FeatureSpec())
    with pytest.raises(WespkError, match="one of 1 loader processes died"):
        list(load_utterances(source, prepare, list(features), workers=1))
