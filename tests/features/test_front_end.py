"""What holds for every kind of features: batches, streams, export, 8 kHz, float32 against float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.torchaudio import import_torchaudio
from wespk.features import FeatureExtractor, FeatureSpec
from wespk.features.frames import FrameStream, cut_frames
from wespk.features.options import FbankOptions, MelSpectrogramOptions
from wespk.features.spec import KINDS

SPECS = [
    FeatureSpec(kind="fbank", options={"dither": 0, "num_mel_bins": 40}),
    FeatureSpec(kind="fbank", options={"dither": 0, "snip_edges": False, "use_energy": True}),
    FeatureSpec(kind="mfcc", options={"dither": 0, "snip_edges": False}),
    FeatureSpec(kind="spectrogram", options={"dither": 0, "sample_frequency": 8000}),
    FeatureSpec(kind="mel_spectrogram"),
    FeatureSpec(kind="mel_spectrogram", options={"center": False, "log": "db", "win_length": 320}),
]
every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{spec.digest[:4]}")


def test_every_registered_kind_is_covered_here():
    assert {spec.kind for spec in SPECS} == set(KINDS)


@every_spec
def test_a_padded_batch_gives_what_each_recording_gives_alone(spec, voice):
    sounds = [voice(100 + 20 * i, seconds, i) for i, seconds in enumerate((0.5, 0.83, 0.4137))]
    batch = torch.zeros(3, max(map(len, sounds)))
    for row, sound in zip(batch, sounds, strict=True):
        row[: len(sound)] = torch.from_numpy(sound)
    for cmn, norm_vars in (("none", False), ("utterance", False), ("utterance", True)):
        extractor = FeatureExtractor(
            spec.model_copy(update={"cmn": cmn, "norm_vars": norm_vars, "level_db": -20})
        )
        features, frames = extractor.batch(batch, torch.tensor([len(sound) for sound in sounds]))
        for row, count, sound in zip(features, frames, sounds, strict=True):
            alone = extractor(sound)
            assert len(alone) == count and not row[count:].any()
            np.testing.assert_allclose(row[:count], alone, atol=1e-2)
            assert np.median(np.abs(row[:count].numpy() - alone)) < 1e-5


@every_spec
@pytest.mark.parametrize("block", [37, 160, 1000, 10_000])
def test_a_stream_gives_what_the_whole_gives(spec, block, voice):
    sound = voice(seconds=0.9137)
    blocks = [sound[start : start + block] for start in range(0, len(sound), block)]
    extractor = FeatureExtractor(spec)
    streamed = np.concatenate(list(extractor.stream(blocks)))
    np.testing.assert_allclose(streamed, extractor(sound), atol=1e-3)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_streamed_frames_are_the_frames(data):
    shift = data.draw(st.integers(1, 12), label="shift")
    size = data.draw(st.integers(2, 20), label="size")
    kind = data.draw(st.sampled_from(["snip", "mirror", "centre"]))
    if kind == "centre":
        options = MelSpectrogramOptions(n_fft=size + 3, hop_length=shift, n_mels=1)
    else:
        options = FbankOptions.model_construct(
            sample_frequency=1000, frame_length=size, frame_shift=shift, snip_edges=kind == "snip"
        )
    total = data.draw(st.integers(0, 100), label="samples")
    if options.num_frames(total) == 0:
        return
    samples = torch.arange(total, dtype=torch.float32)
    stream, frames, rest = FrameStream(options), [], samples
    while len(rest):
        take = data.draw(st.integers(1, 30))
        frames.append(stream.accept(rest[:take]))
        rest = rest[take:]
    frames.append(stream.finish())
    assert torch.equal(torch.cat(frames), cut_frames(samples[None], options)[0])


@every_spec
def test_a_stream_holds_a_window_not_the_recording(spec):
    stream = FrameStream(spec.options)
    for _ in range(200):
        stream.accept(torch.randn(1600))
        assert len(stream._tail) <= spec.options.window_samples + spec.options.shift_samples


@every_spec
def test_the_front_end_can_be_exported_with_any_length(spec, voice):
    front_end = spec.front_end().eval()
    sound = torch.from_numpy(voice(seconds=0.7)) * spec.scale
    length = torch.export.Dim("samples", min=4000, max=160_000)
    graph = torch.export.export(
        front_end,
        (sound[None],),
        dynamic_shapes={"samples": {1: length}},
        strict=False,
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    other = torch.from_numpy(voice(150, 0.5137)) * spec.scale
    torch.testing.assert_close(graph.module()(other[None]), front_end(other[None]), atol=1e-3, rtol=1e-4)


@every_spec
def test_float32_is_near_float64(spec, voice):
    sound = torch.from_numpy(voice(seconds=0.7)) * spec.scale
    single, double = spec.front_end()(sound), spec.front_end(torch.float64)(sound.double())
    assert (single - double).abs().max() < 5e-3
    assert (single - double).abs().median() < 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_fft": 512, "win_length": 400, "f_min": 50.0, "f_max": 7000.0, "n_mels": 64},
        {"mel_scale": "slaney", "norm": "slaney", "n_mels": 40, "power": 1.0},
        {"center": False, "sample_frequency": 8000, "n_fft": 256, "hop_length": 80, "n_mels": 23},
    ],
)
def test_mel_spectrogram_agrees_with_torchaudio(options, voice):
    front_end = FeatureSpec(kind="mel_spectrogram", options={"log": "none", **options}).front_end(
        torch.float64
    )
    known = front_end.options.model_dump(exclude={"log", "log_floor", "sample_frequency"})
    transform = import_torchaudio().transforms.MelSpectrogram(front_end.options.sample_frequency, **known)
    sound = torch.from_numpy(voice(seconds=0.6)).double()
    reference = transform.double()(sound).T
    torch.testing.assert_close(front_end(sound), reference, atol=1e-6 * float(reference.max()), rtol=1e-4)
