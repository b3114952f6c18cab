from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile

from wespk.data.audio import AudioError, read_audio

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
        (lambda path, x: path.mkdir(), "unreadable"),
    ],
)
def test_unusable_audio_is_refused_by_kind(tmp_path, sound, spoil, kind):
    path = tmp_path / "a.wav"
    spoil(path, sound)
    with pytest.raises(AudioError, match=f"^{kind}") as caught:
        read_audio(str(path), RATE)
    assert "\n" not in str(caught.value)


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
