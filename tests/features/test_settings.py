import pytest

from wespk.core.errors import WespkError
from wespk.data.audio import AudioOptions
from wespk.features.neural_vad import NeuralVadOptions
from wespk.features.settings import read_settings, setting_fields
from wespk.features.spec import KINDS
from wespk.features.vad import EnergyVadOptions


@pytest.fixture
def conf(tmp_path):
    def write(*lines):
        path = tmp_path / "fbank.conf"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


def test_a_file_says_everything_about_features_and_recordings(conf):
    path = conf(
        "--num-mel-bins=40 # bins", "", "--dither=0", "--allow-downsample=true", "--channel=1", "--vad=energy"
    )
    settings = read_settings("fbank", path, {"vad_energy_threshold": "5.5", "sample_frequency": 8000})
    assert settings.spec.options.num_mel_bins == 40
    assert settings.spec.vad == EnergyVadOptions(vad_energy_threshold=5.5)
    assert settings.audio == AudioOptions(sample_rate=8000, allow_downsample=True, channel=1)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_file_all_is_default(kind):
    settings = read_settings(kind)
    assert settings.spec.kind == kind and settings.audio == AudioOptions(sample_rate=16000)
    assert settings.spec.scale == (1.0 if kind == "mel_spectrogram" else 32768.0)


def test_every_option_of_every_kind_has_its_own_name():
    for kind in KINDS:
        names = [name for name, _, _ in setting_fields(kind)]
        assert len(names) == len(set(names))


def test_channels_as_kaldi_writes_them(conf):
    assert read_settings("mfcc", conf("--channel=-1")).audio.channel is None
    assert read_settings("mfcc", conf("--channel=mix")).audio.channel == "mix"


def test_vad_and_sliding_mean_subtraction_are_part_of_the_specification(conf):
    spec = read_settings(
        "mfcc", conf("--vad=neural", "--threshold=0.4", "--sliding-cmn", "--cmn-window=300")
    ).spec
    assert spec.vad == NeuralVadOptions(threshold=0.4)
    assert spec.sliding_cmn is not None and spec.sliding_cmn.cmn_window == 300


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--num-mel-bin=40", "fbank.conf:1: unknown option --num-mel-bin: did you mean --num-mel-bins"),
        ("--num-ceps=40", "unknown option --num-ceps: it is one of mfcc, not of fbank"),
        ("--subtract-mean=true", "unknown option --subtract-mean: `wespk apply-cmvn"),
        ("--dither", "--dither needs a value"),
        ("--channel=-2", "channel"),
        ("--min-duration=5\n--max-duration=2", "no utterance is accepted"),
        ("num-mel-bins=40", "fbank.conf:1: expected --option=value"),
        ("--high-freq=9000", "do not fit below Nyquist"),
        ("--low-freq=8000", "do not fit below Nyquist"),
        ("--num-mel-bins=many", "'num_mel_bins'"),
        ("--frame-shift=0.01", "a shift at least 1"),
        ("--channel=left", "channel"),
        ("--vad=silero", "unknown vad 'silero'"),
        ("--vad-energy-threshold=4", "no effect without vad=energy"),
        ("--cmn-window=300", "no effect without sliding-cmn=true"),
        ("--sliding-cmn=perhaps", "true or false"),
        ("--level-db=3", "level_db"),
    ],
)
def test_impossible_options_are_refused_by_file_and_name(conf, line, message):
    with pytest.raises(WespkError, match=message) as told:
        read_settings("fbank", conf(line))
    assert "fbank.conf" in str(told.value)


def test_filters_that_would_take_gigabytes_are_refused():
    for kind, options in (
        ("fbank", {"num_mel_bins": 4096, "frame_length": 1000}),
        ("mfcc", {"sample_frequency": 1_000_000, "frame_length": 10_000}),
        ("mel_spectrogram", {"n_fft": 65536, "n_mels": 4096}),
    ):
        with pytest.raises(WespkError, match="mel filters over a window padded to .* are too large"):
            read_settings(kind, None, options)
    read_settings("fbank", None, {"num_mel_bins": 128, "sample_frequency": 48000, "frame_length": 1000})
