from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from wespk.data.audio import AudioError, read_audio, sample_at

RATE = 16000


@pytest.fixture
def sound(voice):
    return voice(seconds=0.5)


def write(path, samples, rate=RATE, **options):
    soundfile.write(path, samples, rate, **options)
    return str(path)


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_16")])
def test_formats_give_the_same_samples(tmp_path, sound, suffix, subtype):
    read = read_audio(write(tmp_path / f"a.{suffix}", sound, subtype=subtype), RATE)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, sound, atol=2**-15)


def test_format_is_told_by_content_not_by_name(tmp_path, sound):
    (tmp_path / "a.wav").write_bytes(
        (tmp_path / "b.flac").read_bytes() if write(tmp_path / "b.flac", sound) else b""
    )
    np.testing.assert_allclose(read_audio(str(tmp_path / "a.wav"), RATE), sound, atol=2**-15)


def test_archive_offset_and_pipe_give_the_file(tmp_path, sound):
    whole = read_audio(write(tmp_path / "a.wav", sound), RATE)
    integers = (whole * 32768).astype(np.int16)
    kaldiio.save_ark(str(tmp_path / "w.ark"), {"u": (RATE, integers)}, scp=str(tmp_path / "w.scp"))
    entry = (tmp_path / "w.scp").read_text().split()[1]
    np.testing.assert_array_equal(read_audio(entry, RATE), whole)
    np.testing.assert_array_equal(read_audio(f"cat {tmp_path}/a.wav |", RATE, allow_pipes=True), whole)


def test_path_with_spaces_and_colons(tmp_path, sound):
    path = tmp_path / "a b:12.wav"
    assert len(read_audio(write(path, sound), RATE)) == len(sound)


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda path, x: None, "missing"),
        (lambda path, x: path.write_bytes(b""), "empty"),
        (lambda path, x: write(path, x[:0]), "empty"),
        (lambda path, x: path.write_bytes(b"not audio at all" * 9), "unreadable"),
        (lambda path, x: (write(path, x), cut(path, 0.5)), "truncated"),
        (lambda path, x: write(path, x, 8000), "wrong rate: 8000 Hz where 16000"),
        (lambda path, x: write(path, np.stack([x, x], 1)), "not mono: 2 channels"),
        (lambda path, x: write(path, 0 * x), "silent"),
        (lambda path, x: write(path, x * np.nan, subtype="FLOAT"), "not finite"),
        (
            lambda path, x: write(path, -3e4 * np.sign(x), subtype="FLOAT"),
            r"beyond full scale: a sample is -?30000; scale the file to \[-1, 1\]$",
        ),
        (lambda path, x: path.mkdir(), "unreadable"),
    ],
)
def test_unusable_audio_is_refused_by_kind(tmp_path, sound, spoil, kind):
    path = tmp_path / "a.wav"
    spoil(path, sound)
    with pytest.raises(AudioError, match=f"^{kind}") as caught:
        read_audio(str(path), RATE)
    assert "\n" not in str(caught.value)


def test_float_samples_may_exceed_full_scale_but_not_be_of_another_scale(tmp_path, sound):
    path, unit = tmp_path / "a.wav", sound / np.abs(sound).max()
    write(path, 7.99 * unit, subtype="FLOAT")
    assert np.abs(read_audio(str(path), RATE)).max() == pytest.approx(7.99)
    for sign in (1, -1):
        write(path, sign * 8.01 * np.abs(unit), subtype="FLOAT")
        with pytest.raises(AudioError, match=f"^beyond full scale: a sample is {sign * 8.01:g};"):
            read_audio(str(path), RATE)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (0.29, 0.57, 29, 57),  # in binary 28.999... and 56.999...
        (0.0, 0.029, 0, 2),
        (0.019, 0.0999, 1, 9),
        (1 / 3, 2 / 3, 33, 66),
        (7 / 100, 1.999999, 7, 199),
        (0.009999, 2.0, 0, 200),
    ],
)
def test_times_are_cut_to_the_sample_that_has_begun_as_in_kaldi(tmp_path, start, end, first, last):
    whole = np.linspace(-0.5, 0.5, 200).astype(np.float32)
    write(tmp_path / "a.wav", whole, 100, subtype="FLOAT")
    part = read_audio(str(tmp_path / "a.wav"), 100, start=start, end=end)
    np.testing.assert_array_equal(part, whole[first:last])


@given(samples=st.integers(0, 2**29), rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]))
def test_a_time_made_from_a_sample_is_that_sample(samples, rate):
    assert sample_at(samples / rate, rate) == samples


@given(text=st.decimals(0, 20000, places=6), rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]))
def test_a_time_written_in_decimals_is_the_sample_that_its_text_means(text, rate):
    assert sample_at(float(text), rate) == int(text * rate)


def test_a_signalling_nan_is_refused_without_a_warning(tmp_path, sound, recwarn):
    path = tmp_path / "a.wav"
    write(path, sound, subtype="DOUBLE")
    path.write_bytes(path.read_bytes()[:-8] + (0x7FF0000000000001).to_bytes(8, "little"))
    with pytest.raises(AudioError, match="^not finite"):
        read_audio(str(path), RATE)
    assert not recwarn


def test_failing_pipe_is_told_with_its_own_words():
    with pytest.raises(AudioError, match="pipe failed: false; echo sorry >&2; exit 3 .status 3: sorry"):
        read_audio("false; echo sorry >&2; exit 3 |", RATE, allow_pipes=True)


def test_pipes_are_refused_unless_they_are_allowed(tmp_path):
    with pytest.raises(AudioError, match="pipe refused"):
        read_audio(f"touch {tmp_path}/run |", RATE)
    assert not (tmp_path / "run").exists()


def test_riff_chunks_before_the_samples_do_not_confuse(tmp_path, sound):
    whole = Path(write(tmp_path / "a.wav", sound)).read_bytes()
    note = b"LIST" + (20).to_bytes(4, "little") + b"INFOmy data set \xff\xff\xff\xff"
    size = (len(whole) + len(note) - 8).to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(whole[:4] + size + whole[8:36] + note + whole[36:])
    np.testing.assert_array_equal(
        read_audio(str(tmp_path / "b.wav"), RATE), read_audio(str(tmp_path / "a.wav"), RATE)
    )


@pytest.mark.parametrize("entry", ["sox " + "x" * 5000, "a\0b", "/dev/null/x"])
def test_nonsense_entries_are_refused_by_kind(entry):
    with pytest.raises(AudioError, match="^(missing|unreadable)"):
        read_audio(entry, RATE)
