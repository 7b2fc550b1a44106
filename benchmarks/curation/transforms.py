"""What happens to a recording on its way: gains, codecs, noise, cuts. Mono int16 at 16 kHz, shape (samples,)."""

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from corpus.audio import RATE_HZ

Samples = NDArray[np.int16]


def gain(samples: Samples, db: float) -> Samples:
    return _rounded(samples * 10 ** (db / 20))


def clipped(samples: Samples, share: float = 0.02) -> Samples:
    """Amplified until this share of the samples stands at full scale."""
    level = float(np.quantile(np.abs(samples.astype(np.float64)), 1 - share))
    return _rounded(samples * (32_768 / max(level, 1.0)))


def mp3_32k(samples: Samples) -> Samples:
    return _through(samples, "libmp3lame", 32_000, "mp3", RATE_HZ)


def opus_12k(samples: Samples) -> Samples:
    return _through(samples, "libopus", 12_000, "ogg", 48_000)


def through_8_khz(samples: Samples) -> Samples:
    return _rounded(soxr.resample(soxr.resample(samples.astype(np.float64), RATE_HZ, 8_000), 8_000, RATE_HZ))


def noisy(samples: Samples, noise: NDArray[Any], snr_db: float) -> Samples:
    """With noise of the clip's length, so many dB under the clip as a whole."""
    return _rounded(samples + noise * (_rms(samples) / _rms(noise) * 10 ** (-snr_db / 20)))


def later(samples: Samples, by_samples: int, random: np.random.Generator) -> Samples:
    """After so much of a quiet room."""
    return _rounded(np.concatenate([random.normal(0, 8, by_samples), samples]))


def trimmed(samples: Samples, start: float, end: float) -> Samples:
    """Without these shares of its length."""
    return samples[round(start * len(samples)) : len(samples) - round(end * len(samples))]


def faster(samples: Samples, times: float) -> Samples:
    """Also higher: what a wrong clock does."""
    return _rounded(soxr.resample(samples.astype(np.float64), RATE_HZ * times, RATE_HZ))


def benign(samples: Samples, noise: NDArray[Any], random: np.random.Generator) -> dict[str, Callable[[], Samples]]:
    """The nine kinds, speed in both directions, by the names that the page gives them."""
    db, by = float(random.choice([-18.0, -12.0, -6.0])), int(random.integers(800, 8_000))
    start, end = random.uniform(0.03, 0.12, 2)
    return {
        "gain, -6 to -18 dB": lambda: gain(samples, db),
        "clipping of 2 %": lambda: clipped(samples),
        "MP3, 32 kbit/s": lambda: mp3_32k(samples),
        "Opus, 12 kbit/s": lambda: opus_12k(samples),
        "through 8 kHz": lambda: through_8_khz(samples),
        "noise, 20 dB": lambda: noisy(samples, noise, 20),
        "0.05 to 0.5 s later": lambda: later(samples, by, random),
        "trimmed by 3 to 12 % a side": lambda: trimmed(samples, start, end),
        "1 % faster": lambda: faster(samples, 1.01),
        "1 % slower": lambda: faster(samples, 0.99),
    }


def _through(samples: Samples, codec: str, bits_per_s: int, container: str, rate_hz: int) -> Samples:
    heard = samples if rate_hz == RATE_HZ else np.asarray(soxr.resample(samples, RATE_HZ, rate_hz), dtype=np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate_hz)
        stream.bit_rate, stream.layout = bits_per_s, "mono"
        stream.codec_context.open()
        fitting = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate_hz)
        frame = av.AudioFrame.from_ndarray(heard.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for part in [*fitting.resample(frame), *fitting.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as coded:
        plain = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        parts = [part for each in coded.decode(audio=0) for part in plain.resample(each)] + plain.resample(None)
    return np.asarray(np.concatenate([part.to_ndarray().reshape(-1) for part in parts]), dtype=np.int16)


def _rounded(samples: NDArray[Any]) -> Samples:
    return np.asarray(np.clip(np.rint(samples), -32_768, 32_767), dtype=np.int16)


def _rms(samples: NDArray[Any]) -> float:
    return float(np.sqrt(np.square(samples.astype(np.float64)).mean())) + 1e-9
