"""Wav archives: bytes as Kaldi reads them, every item accounted for, finished jobs not redone."""

import io

import kaldiio
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wespk.core.errors import WespkError
from wespk.data.audio import AudioError, read_audio
from wespk.data.jobs import Job
from wespk.data.wav_ark import WavPiece, merge_wav_jobs, pcm16, riff_header


@given(arrays.arrays(np.int16, st.integers(0, 50)))
def test_sixteen_bits_pass_through_unchanged(values):
    found, beyond = pcm16((values / 32768).astype(np.float32))
    assert np.array_equal(found, values) and beyond == 0


def test_halves_go_to_the_even_number_and_what_is_beyond_is_cut_and_counted():
    steps = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 32767.4, 32767.6, 40000.0, -32768.4, -32769.0])
    values, beyond = pcm16(steps / 32768)
    assert values.tolist() == [0, 2, 2, 0, -2, 32767, 32767, 32767, -32768, -32768]
    assert beyond == 3


@given(arrays.arrays(np.int16, st.integers(1, 50)), st.sampled_from([8000, 16000, 44100]))
def test_the_header_is_that_of_a_plain_riff_file(values, rate):
    stream = io.BytesIO()
    soundfile.write(stream, values, rate, format="WAV", subtype="PCM_16")
    assert stream.getvalue() == riff_header(len(values), rate) + values.astype("<i2").tobytes()


def test_a_recording_of_more_than_4_gb_is_refused():
    with pytest.raises(AudioError, match="too long"):
        riff_header(2**31, 16000)


@pytest.fixture
def piece(tmp_path):
    """Make a piece of seven short recordings, the fifth of them unusable; count what is made."""
    made = []

    def make(seed=0):
        def sound(item):
            made.append(item)
            if item == "utt-4":
                raise AudioError("empty: nothing there")
            random = np.random.default_rng([seed, int(item[-1])])
            return random.integers(-9000, 9000, 100).astype(np.float32) / 32768, f"note of {item}"

        items = [f"utt-{index}" for index in range(7)]
        return WavPiece(tmp_path / "out", items, 16000, {"seed": seed}, lambda item: item, sound)

    return make, made


def track(items, total, what):
    return items


def test_kaldiio_and_the_audio_reader_read_what_was_written(piece):
    make, _ = piece
    for index in (1, 2, 3):
        make().run(Job(index, 3), track)
    archive = merge_wav_jobs(make().folder)
    assert list(archive.rejections.reasons.items()) == [("utt-4", "empty: nothing there")]
    assert list(archive.locations) == [f"utt-{index}" for index in (0, 1, 2, 3, 5, 6)]
    for item, location in archive.locations.items():
        wanted, note = make().make(item)
        rate, values = kaldiio.load_mat(location)
        assert rate == 16000 and np.array_equal(values / 32768, wanted)
        assert np.array_equal(read_audio(location, 16000), wanted)
        assert archive.notes[item] == note and archive.seconds[item] == 100 / 16000


def test_finished_jobs_are_not_done_again_and_changed_ones_are(piece):
    make, made = piece
    for index in (1, 2):
        make().run(Job(index, 2), track)
    first = [path.read_bytes() for path in sorted((make().folder / "jobs").glob("*.ark"))]
    made.clear()
    make().run(Job(1, 2), track)
    assert made == []
    (make().folder / "jobs/wav.2.json").unlink()  # killed before its end
    make().run(Job(2, 2), track)
    assert made == ["utt-3", "utt-4", "utt-5", "utt-6"]
    assert [path.read_bytes() for path in sorted((make().folder / "jobs").glob("*.ark"))] == first
    make(seed=1).run(Job(1, 2), track)
    with pytest.raises(WespkError, match="jobs 1 and 2 were run on different inputs"):
        merge_wav_jobs(make().folder)


def test_the_number_of_jobs_does_not_change_the_recordings(piece):
    make, _ = piece
    contents = []
    for count in (3, 1):
        for index in range(1, count + 1):
            make().run(Job(index, count), track)
        archive = merge_wav_jobs(make().folder)
        contents.append([kaldiio.load_mat(location)[1].tobytes() for location in archive.locations.values()])
    assert contents[0] == contents[1]
    assert not (make().folder / "jobs/wav.2.ark").exists()  # left over from three jobs


def test_a_missing_or_damaged_job_is_noticed(piece):
    make, _ = piece
    with pytest.raises(WespkError, match="wav.1.json: no such file; run the jobs first"):
        merge_wav_jobs(make().folder)
    make().run(Job(1, 2), track)
    with pytest.raises(WespkError, match="job 2 of 2 has not finished"):
        merge_wav_jobs(make().folder)
    make().run(Job(2, 2), track)
    ark = make().folder / "jobs/wav.2.ark"
    ark.write_bytes(ark.read_bytes()[:-1])
    with pytest.raises(WespkError, match="wav.2.ark: is not as its job left it"):
        merge_wav_jobs(make().folder)
    make().run(Job(2, 2), track)
    assert merge_wav_jobs(make().folder).total == 7


def test_what_describes_the_old_recordings_goes_before_new_ones_are_written(piece):
    make, _ = piece
    make().run(Job(1, 1), track)
    for name in ("wav.scp", "feats.scp", "utt2dur"):
        (make().folder / name).write_text("utt-0 old\n")
    make(seed=1).run(Job(1, 1), track)
    assert not any((make().folder / name).exists() for name in ("wav.scp", "feats.scp", "utt2dur"))


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"job": 1, "jobs": null}'])
def test_a_damaged_record_is_refused_and_its_archive_made_again(piece, tmp_path, text):
    make, made = piece
    make().run(Job(1, 1), lambda items, total, what: items)
    whole = (tmp_path / "out/jobs/wav.1.ark").read_bytes()
    (tmp_path / "out/jobs/wav.1.json").write_text(text)
    with pytest.raises(WespkError, match="wav.1.json: the record is incomplete"):
        merge_wav_jobs(tmp_path / "out")
    make().run(Job(1, 1), lambda items, total, what: items)
    assert len(made) == 14 and (tmp_path / "out/jobs/wav.1.ark").read_bytes() == whole
    assert len(merge_wav_jobs(tmp_path / "out").locations) == 6
