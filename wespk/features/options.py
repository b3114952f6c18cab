"""The options of each kind of features, with the names and defaults of Kaldi's programs or of torchaudio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from pydantic import Field, model_validator

from wespk.core.config import StrictModel

MAX_WEIGHTS = 1 << 22  # of mel filters: 128 of them over windows of 65536 samples


class FeatureOptions(StrictModel, ABC):
    """What every kind of features has: a sample rate, a window, a shift and a number of columns."""

    sample_frequency: int = Field(16000, gt=0, le=1_000_000)

    @property
    @abstractmethod
    def window_samples(self) -> int:
        """Samples in a window."""

    @property
    @abstractmethod
    def shift_samples(self) -> int:
        """Samples between the starts of two windows."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Columns of the feature matrix."""

    @property
    @abstractmethod
    def min_samples(self) -> int:
        """Samples of the shortest recording that gives a frame."""

    @property
    def energy_column(self) -> int | None:
        """The column that holds the log energy of the frame, if there is one."""
        return None

    @property
    def dither_scale(self) -> float:
        """Deviation of the noise that is added to the samples, on the scale of the samples; 0: none."""
        return 0.0

    @property
    def expected_scale(self) -> float:
        """What samples in [-1, 1] are multiplied with by default."""
        return 1.0

    @abstractmethod
    def num_frames(self, num_samples: int) -> int:
        """Return how many frames a recording of `num_samples` gives."""


class KaldiOptions(FeatureOptions):
    """Kaldi's FrameExtractionOptions and the energy options: what its feature programs have in common.

    Times are in milliseconds; samples are expected on the int16 scale.
    """

    frame_length: float = Field(25.0, gt=0, le=10_000)
    frame_shift: float = Field(10.0, gt=0, le=10_000)
    dither: float = Field(1.0, ge=0)
    preemphasis_coefficient: float = Field(0.97, ge=0, le=1)
    remove_dc_offset: bool = True
    window_type: Literal["povey", "hamming", "hanning", "rectangular", "blackman", "sine"] = "povey"
    blackman_coeff: float = 0.42
    round_to_power_of_two: bool = True
    snip_edges: bool = True
    energy_floor: float = Field(0.0, ge=0)
    raw_energy: bool = True

    @property
    def window_samples(self) -> int:
        """Samples in a window."""
        return int(self.sample_frequency * self.frame_length * 0.001)

    @property
    def shift_samples(self) -> int:
        """Samples between the starts of two windows."""
        return int(self.sample_frequency * self.frame_shift * 0.001)

    @property
    def fft_size(self) -> int:
        """Length of the transform: the window, by default padded to a power of two."""
        size = self.window_samples
        return 1 << (size - 1).bit_length() if self.round_to_power_of_two else size

    @property
    def min_samples(self) -> int:
        """Samples of the shortest recording that gives a frame."""
        return self.window_samples if self.snip_edges else self.shift_samples - self.shift_samples // 2

    @property
    def dither_scale(self) -> float:
        """Deviation of the noise that is added to the samples of each frame."""
        return self.dither

    @property
    def expected_scale(self) -> float:
        """Kaldi's programs take samples as 16-bit integers."""
        return 32768.0

    def num_frames(self, num_samples: int) -> int:
        """Return how many frames a recording gives (Kaldi's NumFrames)."""
        if self.snip_edges:
            if num_samples < self.window_samples:
                return 0
            return 1 + (num_samples - self.window_samples) // self.shift_samples
        return (num_samples + self.shift_samples // 2) // self.shift_samples

    @model_validator(mode="after")
    def _windows_possible(self) -> KaldiOptions:
        if self.window_samples < 2 or self.shift_samples < 1:
            raise ValueError("a window needs at least 2 samples and a shift at least 1")
        if self.fft_size % 2:
            raise ValueError("without round-to-power-of-two the window needs an even number of samples")
        return self


class MelOptions(KaldiOptions):
    """Kaldi's MelBanksOptions. Frequencies are in Hz; `high_freq` at or below 0 counts from Nyquist.

    `vtln_warp` is the factor of vocal tract length normalisation for all utterances; 1 is none.
    """

    num_mel_bins: int = Field(23, ge=3, le=4096)
    low_freq: float = Field(20.0, ge=0)
    high_freq: float = 0.0
    vtln_low: float = 100.0
    vtln_high: float = -500.0
    vtln_warp: float = Field(1.0, gt=0)
    htk_compat: bool = False

    @property
    def mel_edges(self) -> tuple[float, float]:
        """Lowest and highest frequency of the filters, Hz."""
        return self.low_freq, self._from_nyquist(self.high_freq)

    @property
    def vtln_edges(self) -> tuple[float, float]:
        """Lowest and highest frequency that `vtln_warp` moves in proportion, Hz."""
        return self.vtln_low, self._from_nyquist(self.vtln_high)

    def _from_nyquist(self, frequency: float) -> float:
        return frequency if frequency > 0 else 0.5 * self.sample_frequency + frequency

    @model_validator(mode="after")
    def _filters_possible(self) -> MelOptions:
        low, high = self.mel_edges
        nyquist = 0.5 * self.sample_frequency
        if not low < high <= nyquist:
            raise ValueError(
                f"mel filters from {low:g} to {high:g} Hz do not fit below Nyquist, {nyquist:g} Hz"
            )
        _refuse_large(self.num_mel_bins, self.fft_size)
        if self.vtln_warp != 1.0:
            bottom, top = self.vtln_edges
            if not low < bottom < top < high:
                raise ValueError(f"vtln from {bottom:g} to {top:g} Hz does not fit in {low:g} to {high:g} Hz")
            lowest, highest = bottom * max(1.0, self.vtln_warp), top * min(1.0, self.vtln_warp)
            if not lowest < highest:
                raise ValueError(f"vtln-warp {self.vtln_warp:g} leaves no frequency between its bends")
        return self


class FbankOptions(MelOptions):
    """Options of Kaldi's compute-fbank-feats."""

    use_energy: bool = False
    use_log_fbank: bool = True
    use_power: bool = True

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.num_mel_bins + self.use_energy

    @property
    def energy_column(self) -> int | None:
        """The log energy comes first, and last with htk-compat."""
        if not self.use_energy:
            return None
        return self.num_mel_bins if self.htk_compat else 0


class MfccOptions(MelOptions):
    """Options of Kaldi's compute-mfcc-feats."""

    num_ceps: int = Field(13, ge=1)
    use_energy: bool = True
    cepstral_lifter: float = Field(22.0, ge=0)

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.num_ceps

    @property
    def energy_column(self) -> int | None:
        """The log energy takes the place of C0, which htk-compat puts last."""
        if not self.use_energy:
            return None
        return self.num_ceps - 1 if self.htk_compat else 0

    @model_validator(mode="after")
    def _cepstra_possible(self) -> MfccOptions:
        if self.num_ceps > self.num_mel_bins:
            raise ValueError(f"num-ceps {self.num_ceps} is above num-mel-bins {self.num_mel_bins}")
        return self


class SpectrogramOptions(KaldiOptions):
    """Options of Kaldi's compute-spectrogram-feats."""

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.fft_size // 2 + 1

    @property
    def energy_column(self) -> int | None:
        """The log energy takes the place of the bin of frequency 0."""
        return 0


class MelSpectrogramOptions(FeatureOptions):
    """Options of torchaudio's MelSpectrogram by their names there, and of the logarithm after it.

    Samples are expected in [-1, 1]. `f_max` None is Nyquist; `win_length` None is `n_fft`.
    """

    n_fft: int = Field(400, ge=2, le=1 << 16)
    win_length: int | None = Field(None, ge=2)
    hop_length: int = Field(160, ge=1)
    n_mels: int = Field(80, ge=1, le=4096)
    f_min: float = Field(0.0, ge=0)
    f_max: float | None = None
    power: float = Field(2.0, gt=0)
    center: bool = True
    mel_scale: Literal["htk", "slaney"] = "htk"
    norm: Literal["slaney"] | None = None
    log: Literal["ln", "db", "none"] = "ln"  # db: 10 log10
    log_floor: float = Field(1e-6, ge=1e-37, le=1e6)  # float32 has to hold it

    @property
    def window_samples(self) -> int:
        """Samples that a frame sees."""
        return self.n_fft

    @property
    def shift_samples(self) -> int:
        """Samples from one frame to the next."""
        return self.hop_length

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.n_mels

    @property
    def min_samples(self) -> int:
        """Samples of the shortest recording that gives a frame; half a window is mirrored at the edges."""
        return self.n_fft // 2 + 1 if self.center else self.n_fft

    @property
    def mel_edges(self) -> tuple[float, float]:
        """Lowest and highest frequency of the filters, Hz."""
        return self.f_min, 0.5 * self.sample_frequency if self.f_max is None else self.f_max

    def num_frames(self, num_samples: int) -> int:
        """Return how many frames a recording gives."""
        if num_samples < self.min_samples:
            return 0
        padded = num_samples + 2 * (self.n_fft // 2) if self.center else num_samples
        return 1 + (padded - self.n_fft) // self.hop_length

    @model_validator(mode="after")
    def _possible(self) -> MelSpectrogramOptions:
        low, high = self.mel_edges
        nyquist = 0.5 * self.sample_frequency
        if not low < high <= nyquist:
            raise ValueError(
                f"mel filters from {low:g} to {high:g} Hz do not fit below Nyquist, {nyquist:g} Hz"
            )
        _refuse_large(self.n_mels, self.n_fft)
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(f"win-length {self.win_length} is above n-fft {self.n_fft}")
        return self


def _refuse_large(bins: int, fft_size: int) -> None:
    """Raise ValueError for filters that would take gigabytes: a slip of some digits, not a wish."""
    if bins * (fft_size // 2) > MAX_WEIGHTS:
        raise ValueError(
            f"{bins} mel filters over a window padded to {fft_size} samples are too large; "
            "take fewer filters or a shorter window"
        )
