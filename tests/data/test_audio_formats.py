"""Every container and coding gives its samples, by content, whole or in part, from a file or an archive."""

import os
import shutil
import subprocess
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.data.audio import AudioError, AudioOptions, audio_info, read_audio

RATE = 16000
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
LOSSLESS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAV", "ULAW"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("NIST", "PCM_16"),
    ("NIST", "ULAW"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("W64", "PCM_16"),
]
LOSSY = [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS")]


@pytest.fixture
def sound(voice):
    return voice(seconds=2.0)


def write(path, samples, container, subtype, rate=RATE):
    soundfile.write(path, samples, rate, format=container, subtype=subtype)
    return str(path)


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_samples_are_those_of_libsndfile_to_the_bit(tmp_path, sound, container, subtype):
    path = write(tmp_path / "a.bin", sound, container, subtype)
    expected, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(read_audio(path, RATE), expected)
    info = audio_info(path)
    assert (info.sample_rate, info.channels, info.num_samples, info.seconds) == (RATE, 1, len(sound), 2.0)
    assert subtype in info.format


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS + LOSSY)
def test_a_part_is_the_part_of_the_whole(tmp_path, sound, container, subtype):
    path = write(tmp_path / "a.bin", np.tile(sound, 5), container, subtype)
    whole = read_audio(path, RATE)
    part = read_audio(path, RATE, start=8.1234, end=9.5)
    np.testing.assert_allclose(part, whole[int(8.1234 * RATE) : int(9.5 * RATE)], atol=1e-6)


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_lossy_formats_are_read_by_content_with_their_length(tmp_path, sound, container, subtype):
    path = write(tmp_path / "a.wav", sound, container, subtype)
    assert audio_info(path).num_samples == len(sound)
    read = read_audio(path, RATE)
    assert len(read) == len(sound)
    assert np.corrcoef(read, sound)[0, 1] > 0.98


@settings(max_examples=60, deadline=None)
@given(
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    container=st.sampled_from(["WAV", "WAVEX", "RF64"]),
    channels=st.integers(1, 5),
    length=st.integers(16, 300),
    bounds=st.tuples(st.integers(0, 299), st.integers(1, 300)),
    seed=st.integers(0, 2**16),
)
def test_numpys_riff_equals_libsndfiles(tmp_path_factory, subtype, container, channels, length, bounds, seed):
    path = tmp_path_factory.getbasetemp() / "property.wav"
    samples = np.random.default_rng(seed).uniform(-1, 1, (length, channels)).astype(np.float32)
    soundfile.write(path, samples, 1000, format=container, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    first, last = min(bounds[0], length - 2), min(max(bounds), length)
    if last - first < 16:  # two samples of 8 bits may be equal, and that is silence
        first, last = 0, length
    for channel in range(channels):
        options = AudioOptions(sample_rate=1000, channel=channel)
        part = read_audio(str(path), options, start=first / 1000, end=last / 1000)
        np.testing.assert_array_equal(part, expected[first:last, channel])
    if channels > 1:
        mixed = read_audio(str(path), AudioOptions(sample_rate=1000, channel="mix"))
        np.testing.assert_allclose(mixed, expected.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_the_placeholder_sizes_of_streams_mean_all_that_follows(tmp_path, sound, size):
    path = tmp_path / "a.wav"
    data = bytearray(Path(write(path, sound, "WAV", "PCM_16")).read_bytes())
    expected = read_audio(str(path), RATE)
    data[4:8] = (size + 36 & 0xFFFFFFFF if size < 2**31 else size).to_bytes(4, "little")
    data[40:44] = size.to_bytes(4, "little")
    path.write_bytes(data)
    np.testing.assert_array_equal(read_audio(str(path), RATE), expected)
    np.testing.assert_array_equal(read_audio(f"cat {path} |", RATE, allow_pipes=True), expected)


def test_a_flac_stream_of_unknown_length_is_read_to_its_end(tmp_path, sound):
    path = tmp_path / "a.flac"
    data = bytearray(Path(write(path, np.tile(sound, 40), "FLAC", "PCM_16")).read_bytes())
    expected = read_audio(str(path), RATE)
    data[21] &= 0xF0  # STREAMINFO: the 36 bits of the total number of samples
    data[22:26] = bytes(4)
    path.write_bytes(data)
    np.testing.assert_array_equal(read_audio(str(path), RATE), expected)
    np.testing.assert_array_equal(
        read_audio(str(path), RATE, start=70, end=71), expected[70 * RATE : 71 * RATE]
    )
    assert audio_info(str(path)).num_samples == len(expected)


@pytest.mark.parametrize(
    ("container", "subtype"), [("WAV", "PCM_16"), ("WAV", "ULAW"), ("FLAC", "PCM_16"), ("NIST", "PCM_16")]
)
def test_an_entry_of_an_archive_is_read_and_not_its_neighbours(tmp_path, voice, container, subtype):
    sounds = [voice(pitch, seconds=0.5) for pitch in (100, 150, 200)]
    archive, entries, expected = b"", [], []
    for number, samples in enumerate(sounds):
        path = tmp_path / f"{number}.bin"
        write(path, samples, container, subtype)
        archive += f"utt{number} ".encode()
        entries.append(f"{tmp_path}/w.ark:{len(archive)}")
        archive += path.read_bytes()
        expected.append(read_audio(str(path), RATE))
    (tmp_path / "w.ark").write_bytes(archive)
    for entry, samples in zip(entries, expected, strict=True):
        np.testing.assert_array_equal(read_audio(entry, RATE), samples)
        np.testing.assert_array_equal(read_audio(entry, RATE, start=0.25), samples[RATE // 4 :])
        assert audio_info(entry).num_samples == len(samples)
    with pytest.raises(AudioError, match="unreadable: .*begins behind the archive's end"):
        read_audio(f"{tmp_path}/w.ark:{len(archive)}", RATE)


def test_an_entry_of_a_large_archive_costs_no_more_than_itself(tmp_path, sound):
    """A sparse archive of 20 GB behind the entry: reading on to its end would take minutes and all memory."""
    path = tmp_path / "w.ark"
    path.write_bytes(b"utt " + Path(write(tmp_path / "a.wav", sound, "WAV", "PCM_16")).read_bytes())
    with open(path, "r+b") as stream:
        stream.truncate(20 << 30)
    assert len(read_audio(f"{path}:4", RATE)) == len(sound)


def test_containers_that_do_not_tell_their_end_are_refused_in_an_archive(tmp_path, sound):
    path = tmp_path / "w.ark"
    path.write_bytes(b"utt " + Path(write(tmp_path / "a.ogg", sound, "OGG", "VORBIS")).read_bytes())
    with pytest.raises(AudioError, match="unreadable: .* inside an archive"):
        read_audio(f"{path}:4", RATE)


def test_sound_files_of_given_length_in_kaldiios_archives_are_read(tmp_path, sound):
    integers = (sound * 32767).astype(np.int16)
    kaldiio.save_ark(
        f"{tmp_path}/w.ark",
        {"a": (integers, RATE), "b": (integers[::-1].copy(), RATE)},
        scp=f"{tmp_path}/w.scp",
        write_function="soundfile",
        write_kwargs={"format": "ogg"},
    )
    entries = [line.split()[1] for line in (tmp_path / "w.scp").read_text().splitlines()]
    for entry, expected in zip(entries, (sound, sound[::-1]), strict=True):
        assert np.corrcoef(read_audio(entry, RATE), expected)[0, 1] > 0.98


@needs_ffmpeg
@pytest.mark.parametrize(("name", "coder"), [("a.m4a", "aac"), ("a.webm", "libopus"), ("a.aac", "aac")])
def test_ffmpeg_decodes_what_libsndfile_cannot(tmp_path, sound, name, coder):
    wav = write(tmp_path / "a.wav", np.tile(sound, 2), "WAV", "PCM_16")
    ffmpeg("-i", wav, "-c:a", coder, tmp_path / name)
    hidden = tmp_path / "-i http:x.wav"  # neither the suffix nor an odd name matters
    (tmp_path / name).rename(hidden)
    options = AudioOptions(sample_rate=RATE, allow_downsample=True)
    read = read_audio(str(hidden), options)
    assert abs(len(read) - 4 * RATE) < 2200  # AAC: frames of 1024 samples, and its encoder's delay
    assert abs(audio_info(str(hidden)).seconds - len(read) / RATE) < 1e-3
    assert audio_info(str(hidden)).format == name[2:].upper()
    spectra = [np.abs(np.fft.rfft(x[: 3 * RATE])) for x in (read, read_audio(wav, RATE))]
    assert np.corrcoef(*spectra)[0, 1] > 0.9
    part = read_audio(str(hidden), options, start=1.5, end=2.25)
    np.testing.assert_allclose(part, read[round(1.5 * RATE) : round(2.25 * RATE)], atol=1e-5)
    hidden.write_bytes(hidden.read_bytes()[: hidden.stat().st_size // 2])
    with pytest.raises(AudioError, match="^(truncated|unreadable)"):
        read_audio(str(hidden), options)


@needs_ffmpeg
@pytest.mark.parametrize(("name", "coder"), [("a.m4a", "aac"), ("a.webm", "libopus"), ("a.aac", "aac")])
def test_a_fault_of_ffmpeg_is_told_in_equal_words_each_time(tmp_path, sound, name, coder):
    path = tmp_path / name
    ffmpeg("-i", write(tmp_path / "a.wav", sound, "WAV", "PCM_16"), "-c:a", coder, path)
    path.write_bytes(path.read_bytes()[:200] + np.random.default_rng(0).bytes(9000))
    told, held = [], []
    for _ in range(3):
        with pytest.raises(AudioError, match="^unreadable: .* by ffmpeg .status [0-9]+: .{9}") as caught:
            read_audio(str(path), RATE)
        told.append(str(caught.value))
        held.append(os.open(os.devnull, os.O_RDONLY))  # the recording has another number next time
    for descriptor in held:
        os.close(descriptor)
    assert len(set(told)) == 1 and "/dev/fd" not in told[0] and "0x" not in told[0]


def test_without_ffmpeg_its_formats_are_refused_by_name(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(200))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match="needs ffmpeg: .* not installed"):
        read_audio(str(tmp_path / "a.m4a"), RATE)


@needs_ffmpeg
def test_mp3_of_varying_rate_without_length_is_not_cut_off(tmp_path, voice):
    """libsndfile takes the first frame's bit rate for all: it leaves out much of it, and says nothing."""
    rng = np.random.default_rng(0)
    loud_then_quiet = np.concatenate([rng.normal(0, 0.2, 4 * RATE), 0.001 * voice(seconds=12.0)])
    wav = write(tmp_path / "a.wav", loud_then_quiet[::-1], "WAV", "PCM_16")
    ffmpeg("-i", wav, "-c:a", "libmp3lame", "-q:a", "5", "-write_xing", "0", tmp_path / "a.mp3")
    assert abs(soundfile.info(tmp_path / "a.mp3").duration - 16) > 2  # else this test shows nothing
    assert abs(len(read_audio(str(tmp_path / "a.mp3"), RATE)) / RATE - 16) < 0.2


def test_compressed_sphere_is_refused_with_the_remedy(tmp_path):
    fields = "sample_count -i 9\nchannel_count -i 1\nsample_n_bytes -i 2\n"
    coding = "sample_coding -s26 pcm,embedded-shorten-v2.00\n"
    head = f"NIST_1A\n   1024\n{fields}{coding}end_head\n".encode()
    (tmp_path / "a.sph").write_bytes(head.ljust(1024) + b"ajkg" + bytes(90))
    with pytest.raises(AudioError, match="unreadable: .*embedded-shorten.*sph2pipe"):
        read_audio(str(tmp_path / "a.sph"), RATE)


def test_real_recordings_of_all_corpora_are_read(real_data):
    for corpus, rate in [
        ("aishell_sample", 16000),
        ("an4", 16000),
        ("fsdd", 8000),
        ("librispeech_sample", 16000),
        ("timit_sample", 16000),
    ]:
        files = sorted(
            path for path in (real_data / corpus).rglob("*") if path.suffix.lower() in (".wav", ".flac")
        )[:20]
        assert files
        for path in files:
            samples = read_audio(str(path), rate)
            expected, _ = soundfile.read(path, dtype="float32")
            np.testing.assert_array_equal(samples, expected)
