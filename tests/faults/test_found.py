"""What the fuzz has found, each in its smallest form; what concerns one module alone stands in its tests."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_bytes import repair_ogg

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.data.archives import read_ark
from wespk.data.audio import AudioError, AudioOptions, read_audio
from wespk.data.datadir import load_data_dir
from wespk.data.matrices import read_entry
from wespk.data.matrix_stats import matrix_stats

RATE = 16000
READ_A_PART = "import sys; from wespk.data.audio import read_audio; read_audio(sys.argv[1], 16000, start=0.3)"


def test_an_ogg_stream_whose_tables_libvorbis_refuses_does_not_crash_in_seeking(tmp_path, voice, root):
    path = tmp_path / "a.ogg"
    soundfile.write(path, voice(seconds=1.0), RATE, format="OGG", subtype="VORBIS")
    data = bytearray(path.read_bytes())
    data[data.index(b"\5vorbis") + 16] ^= 4  # in the first of the codebooks
    path.write_bytes(repair_ogg(bytes(data)))
    done = subprocess.run(
        [sys.executable, "-c", READ_A_PART, str(path)], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 1 and "AudioError: unreadable: " in done.stderr


def with_block_sizes(path: Path, least: int, most: int) -> Path:
    """Change what the header of a FLAC file says about the samples in a block, which is 4096."""
    data = bytearray(path.read_bytes())
    data[8:12] = least.to_bytes(2, "big") + most.to_bytes(2, "big")
    changed = path.with_name(f"{least}-{most}.flac")
    changed.write_bytes(data)
    return changed


def test_a_flac_header_that_lies_about_its_blocks_gives_no_wrong_samples(tmp_path, voice):
    path = tmp_path / "a.flac"
    sound = voice(seconds=3.0)
    soundfile.write(path, sound, RATE)
    part = read_audio(str(path), RATE, start=1.0, end=1.5)
    assert np.abs(part - sound[RATE : RATE * 3 // 2]).max() < 1e-4
    for sizes in ((4608, 4608), (2048, 2048), (0, 128), (16, 1000)):
        with pytest.raises(AudioError, match="^unreadable: .* has blocks of 4096 samples where its header"):
            read_audio(str(with_block_sizes(path, *sizes)), RATE)
    for sizes in ((16, 4096), (65535, 4096), (0, 4096)):  # libFLAC would not find the place
        changed = str(with_block_sizes(path, *sizes))
        assert np.array_equal(read_audio(changed, RATE, start=1.0, end=1.5), part)


def test_a_flac_file_with_another_behind_it_gives_its_own_samples(tmp_path, voice):
    first, second = tmp_path / "a.flac", tmp_path / "b.flac"
    soundfile.write(first, voice(seconds=2.0), RATE)
    soundfile.write(second, voice(pitch=200, seconds=6.0), RATE)
    part = read_audio(str(first), RATE, start=1.5, end=2.0)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    assert np.array_equal(read_audio(str(first), RATE, start=1.5, end=2.0), part)


@pytest.mark.parametrize("size", [16, 192, 1000, 4608, 65535])
def test_a_flac_file_of_one_short_block_or_of_other_sizes_is_read(tmp_path, voice, size):
    path = tmp_path / "a.flac"
    soundfile.write(path, voice(seconds=size / RATE), RATE)
    assert len(read_audio(str(path), RATE)) == size


def test_a_part_by_ffmpeg_is_cut_by_samples_and_not_by_damaged_time_stamps(tmp_path, voice):
    path, wav = tmp_path / "a.mka", tmp_path / "a.wav"
    soundfile.write(wav, voice(seconds=2.0), RATE)
    made = f"ffmpeg -v error -i {wav} -af asetpts=N/SR/TB*8 -c:a flac -f matroska {path}"
    try:
        subprocess.run(made.split(), check=True)
    except FileNotFoundError:
        pytest.skip("ffmpeg is not installed")
    whole = read_audio(str(path), RATE)
    assert len(whole) == 2 * RATE
    assert np.array_equal(read_audio(str(path), RATE, start=0.5, end=1.0), whole[RATE // 2 : RATE])
    with pytest.raises(AudioError, match="^too long: "):
        read_audio(str(path), AudioOptions(max_seconds=0.5))


def test_nans_of_the_signalling_kind_are_read_without_a_warning(tmp_path):
    signalling = np.array([0x7FF0000000000001, 0], "<u8").tobytes()
    (tmp_path / "a.ark").write_bytes(b"u \0BDM \4" + b"\1\0\0\0\4\2\0\0\0" + signalling)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = read_entry("u", f"{tmp_path}/a.ark:2")
        assert np.isnan(matrix[0, 0]) and matrix[0, 1] == 0
        assert np.array_equal(dict(read_ark(tmp_path / "a.ark"))["u"], matrix, equal_nan=True)
        single = np.array([[0x7F800001, 0x3F800000]], "<u4").view("<f4")
        assert matrix_stats([("u", single)]).non_finite == {"u": 1}


def test_an_au_header_that_places_the_samples_within_itself_is_refused(tmp_path, voice):
    path = tmp_path / "a.au"
    soundfile.write(path, voice(), RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[4:8] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(AudioError, match="^unreadable: .* has an AU header of 0 bytes, 24 at least"):
        read_audio(str(path), RATE, start=0.5)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "1e999"])
def test_numbers_beyond_all_bounds_in_a_table_are_refused_by_file_and_line(make_corpus, value):
    data = make_corpus(speakers=1, utts=2)
    (data / "utt2num_frames").write_text(f"s00-u0 40\ns00-u1 {value}\n")
    with pytest.raises(
        WespkError, match="utt2num_frames:2: 's00-u1' is '.*; a whole number above 0 is needed"
    ):
        load_data_dir(data)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 10_000, json.dumps([1])[:-1]])
def test_json_that_python_cannot_hold_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(WespkError, match="a.json(:1)?: not "):
        read_json(tmp_path / "a.json")
