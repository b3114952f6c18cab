"""Files that lie, places that are no files, commands that misbehave: named rejections, in time and bounds."""

import os
import time
import tracemalloc

import numpy as np
import pytest
import soundfile
from processes import lives, wait_until

from wespk.data.audio import AudioError, AudioOptions, audio_info, audio_stamp, read_audio
from wespk.data.audio import command as audio_command

RATE = 16000


def write(path, samples, rate=RATE, **options):
    soundfile.write(path, samples, rate, **options)
    return str(path)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "ULAW"),
        ("RF64", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("NIST", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("W64", "PCM_16"),
    ],
)
@pytest.mark.parametrize("share", [0.4, 0.75, 0.9])
def test_a_file_cut_anywhere_is_truncated(tmp_path, voice, container, subtype, share):
    path = write(tmp_path / "a", np.tile(voice(seconds=2.0), 3), format=container, subtype=subtype)
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(AudioError, match="^truncated: "):
        read_audio(path, RATE)


def test_damage_inside_a_flac_is_told_from_its_cutting(tmp_path, voice):
    path = tmp_path / "a.flac"
    data = bytearray((write(path, np.tile(voice(), 4)), path.read_bytes())[1])
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(AudioError, match="^unreadable: .* is damaged behind sample"):
        read_audio(str(path), RATE)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    begin = time.monotonic()
    for place in (tmp_path, tmp_path / "fifo", "/dev/zero", "/dev/tty"):
        with pytest.raises(AudioError, match="^unreadable: .* not a file"):
            read_audio(str(place), RATE)
        with pytest.raises(AudioError, match="^unreadable: .* not a file"):
            audio_info(f"{place}:0" if place == tmp_path else str(place))
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("entry", ["a\0b", "a\0b:5", "x" * 5000, "x" * 5000 + ":3", "\udce4.wav", "-", ""])
def test_impossible_names_are_refused_and_have_a_stamp(entry):
    with pytest.raises(AudioError, match="^(missing|unreadable)") as caught:
        read_audio(entry, RATE)
    assert len(str(caught.value)) < 400
    assert audio_stamp(entry).endswith("missing")


@pytest.mark.parametrize("kind", ["wav", "rf64", "flac"])
def test_a_header_that_promises_a_hundred_gigabytes_takes_no_memory(tmp_path, voice, kind):
    path = tmp_path / f"a.{kind}"
    data = bytearray((write(path, voice(), format=kind.upper()), path.read_bytes())[1])
    if kind == "wav":
        data[40:44] = (0x7F000000).to_bytes(4, "little")
    elif kind == "rf64":
        data[28:36] = (100 << 30).to_bytes(8, "little")
    else:
        data[21:26] = bytes([data[21] | 0x0F]) + b"\xff" * 4
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(AudioError, match="^(truncated|too long)"):
        read_audio(str(path), RATE)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_a_sparse_file_of_the_promised_size_is_too_long_before_it_is_read(tmp_path, voice):
    path = tmp_path / "a.wav"
    data = bytearray((write(path, voice()), path.read_bytes())[1])
    data[40:44] = (0x7E000000).to_bytes(4, "little")
    path.write_bytes(data)
    with open(path, "r+b") as stream:
        stream.truncate(44 + 0x7E000000)
    with pytest.raises(AudioError, match="^too long: more than"):
        read_audio(str(path), RATE)
    with pytest.raises(AudioError, match="^too long: 66060.29 s, where 60 s are allowed"):
        read_audio(str(path), AudioOptions(max_seconds=60))
    assert len(read_audio(str(path), RATE, start=0.5, end=1.5)) == RATE


def test_length_and_clipping_are_bounded_by_the_options(tmp_path, voice):
    sound = voice(seconds=1.0)
    path = write(tmp_path / "a.wav", sound)
    for options, kind in (({"min_seconds": 1.01}, "too short"), ({"max_seconds": 0.99}, "too long")):
        with pytest.raises(AudioError, match=f"^{kind}: 1.00 s, where"):
            read_audio(path, AudioOptions(**options))
    assert len(read_audio(path, AudioOptions(max_seconds=0.5), start=0.25, end=0.7)) == round(0.45 * RATE)
    with pytest.raises(AudioError, match="^too short: 0.45 s"):
        read_audio(path, AudioOptions(min_seconds=0.5), start=0.25, end=0.7)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_samples_at_full_scale_are_clipped_in_every_coding(tmp_path, voice, subtype):
    sound = voice(seconds=1.0)
    sound *= 0.9 / np.abs(sound).max()
    path = write(tmp_path / "a.wav", sound, subtype=subtype)
    read_audio(path, AudioOptions(max_clipped=0.0))
    loud = np.clip(4 * sound, -1, 1)
    share = np.mean(np.abs(loud) == 1)
    path = write(tmp_path / "a.wav", loud, subtype=subtype)
    with pytest.raises(AudioError, match="^clipped: "):
        read_audio(path, AudioOptions(max_clipped=0.9 * share))
    read_audio(path, AudioOptions(max_clipped=1.1 * share + 0.03))  # coarse codings reach full scale earlier


def test_segments_may_overhang_by_half_a_second_and_no_more(tmp_path, voice):
    path = write(tmp_path / "a.wav", voice(seconds=2.0))
    assert len(read_audio(path, RATE, start=1.5, end=2.5)) == RATE // 2
    for start, end in ((1.5, 2.51), (2.0, 2.4), (3.0, None), (-0.1, 1), (1, 1), (1, 0.5), (float("nan"), 1)):
        with pytest.raises(AudioError, match="^segment outside: "):
            read_audio(path, RATE, start=start, end=end)


def test_a_pipe_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_command, "TIMEOUT_S", 0.5)
    command = f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60' | cat |"
    begin = time.monotonic()
    with pytest.raises(AudioError, match="^pipe timed out: "):
        read_audio(command, RATE, allow_pipes=True)
    assert time.monotonic() - begin < 5
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not lives(pid), seconds=2)


def test_a_pipe_without_end_is_bounded(monkeypatch):
    monkeypatch.setattr(audio_command, "MAX_BYTES", 1 << 22)
    with pytest.raises(AudioError, match="^too long: yes gave more than 4194304 bytes"):
        read_audio("yes |", RATE, allow_pipes=True)


def test_a_pipe_has_no_keyboard_and_its_chatter_is_bounded(tmp_path, voice):
    path = write(tmp_path / "a.wav", voice())
    noisy = f"cat; head -c 3000000 /dev/zero | tr '\\0' x >&2; cat {path} |"
    assert len(read_audio(noisy, RATE, allow_pipes=True)) == RATE
