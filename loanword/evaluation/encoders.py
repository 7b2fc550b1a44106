"""Speaker encoders: what a program hears of who speaks, as a vector. For evaluation only; nothing is stored.

`Statistics` needs nothing but numpy. `Recurrent` reads the weights of Resemblyzer 0.1.4 (generalised end-to-end loss,
Wan et al. 2018; three LSTM layers; Apache-2.0), which are in its wheel, without torch and without running any of it.
"""

import collections
import hashlib
import io
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from corpus.errors import Misconfigured
from loanword.evaluation.mel import BANDS, mel_power

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]

WEIGHTS_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
WEIGHTS = "resemblyzer/pretrained.pt"

_SPEECH_WITHIN_DB = 35.0
"""Frames more silent than the loudest by more than this are not heard."""


class Encoder(Protocol):
    """`name` says what it is, for whoever reads the figures."""

    @property
    def name(self) -> str: ...

    def embed(self, samples: Samples) -> Floats:
        """A vector of length 1 for 16 kHz samples of shape (n,), n of at least a tenth of a second."""
        ...


class Statistics:
    """Means and spreads of 20 cepstral coefficients and of their slopes: a classical encoder, and a weak one."""

    name = "means and spreads of mel-cepstral coefficients (classical; weaker than a trained network)"
    _coefficients = 20

    def embed(self, samples: Samples) -> Floats:
        power = _speech(mel_power(samples / 32768))
        cepstrum = dct(np.log(power + 1e-10), axis=1, norm="ortho")[:, 1 : self._coefficients + 1]
        slope = np.gradient(cepstrum, axis=0) if len(cepstrum) > 1 else np.zeros_like(cepstrum)
        return _unit(np.concatenate([cepstrum.mean(0), cepstrum.std(0), slope.std(0)]))


class Recurrent:
    """The encoder of Resemblyzer: partial utterances of 1.6 s, about half overlapping, averaged."""

    name = "the recurrent encoder of Resemblyzer 0.1.4 (GE2E, 256 dimensions)"
    _frames, _step = 160, 77
    _coverage = 0.75
    _level_dbfs = -30.0

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._layers = [_Layer.of(weights, number) for number in range(3)]
        self._linear, self._bias = weights["linear.weight"], weights["linear.bias"]

    def embed(self, samples: Samples) -> Floats:
        sound = samples / 32768
        level_dbfs = 20 * np.log10(np.sqrt(np.mean(sound**2)) + 1e-9)
        mel = _speech(mel_power(sound * 10 ** (max(0.0, self._level_dbfs - level_dbfs) / 20)))
        heard = self._partials(mel.astype(np.float32))
        for layer in self._layers:
            heard = layer.through(heard)
        embedded = np.maximum(heard[:, -1] @ self._linear.T + self._bias, 0).astype(np.float64)
        return _unit((embedded / (np.linalg.norm(embedded, axis=1, keepdims=True) + 1e-12)).mean(0))

    def _partials(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """(partials, frames, bands); the last is padded with silence, or left out where little of it is there."""
        starts = list(range(0, max(1, len(mel) - self._frames + self._step + 1), self._step))
        if len(starts) > 1 and len(mel) - starts[-1] < self._coverage * self._frames:
            starts.pop()
        padded = np.zeros((starts[-1] + self._frames, BANDS), np.float32)
        padded[: min(len(mel), len(padded))] = mel[: len(padded)]
        return np.stack([padded[start : start + self._frames] for start in starts])


@dataclass(frozen=True, slots=True)
class _Layer:
    """One LSTM layer, gates in the order input, forget, cell, output."""

    of_input: NDArray[np.float32]
    of_state: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def of(cls, weights: Mapping[str, NDArray[np.float32]], number: int) -> "_Layer":
        bias = weights[f"lstm.bias_ih_l{number}"] + weights[f"lstm.bias_hh_l{number}"]
        return cls(weights[f"lstm.weight_ih_l{number}"].T, weights[f"lstm.weight_hh_l{number}"].T, bias)

    def through(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(batch, frames, channels) to (batch, frames, hidden)."""
        hidden = self.of_state.shape[0]
        state = cell = np.zeros((len(inputs), hidden), np.float32)
        gates = inputs @ self.of_input + self.bias
        outputs = np.empty((*inputs.shape[:2], hidden), np.float32)
        for frame in range(inputs.shape[1]):
            taken, kept, new, shown = np.split(gates[:, frame] + state @ self.of_state, 4, axis=1)
            cell = _sigmoid(kept) * cell + _sigmoid(taken) * np.tanh(new)
            state = _sigmoid(shown) * np.tanh(cell)
            outputs[:, frame] = state
        return outputs


def load_encoder(named: Path | None) -> Encoder:
    """The recurrent encoder from a weights file or wheel, or from an installed Resemblyzer; else the classical one.

    Raises `Misconfigured` where the file is another one than was pinned.
    """
    content = _content(named) if named else _installed()
    if content is None:
        return Statistics()
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise Misconfigured(f"{named or WEIGHTS} does not hold the weights of Resemblyzer 0.1.4.")
    return Recurrent(read_weights(content))


def _content(named: Path) -> bytes:
    try:
        if zipfile.is_zipfile(named):
            with zipfile.ZipFile(named) as wheel:
                return wheel.read(WEIGHTS)
        return named.read_bytes()
    except (OSError, KeyError) as error:
        raise Misconfigured(f"{named} cannot be read as the weights of an encoder: {error}") from error


def _installed() -> bytes | None:
    """Of the package where it is installed, even without what it depends on."""
    try:
        found = [file for file in files("Resemblyzer") or () if str(file) == WEIGHTS]
    except PackageNotFoundError:
        return None
    return Path(str(found[0].locate())).read_bytes() if found else None


def read_weights(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The tensors of a checkpoint in torch's format before 1.6: pickles that name four harmless things, then data."""
    stream = io.BytesIO(content)
    for _ in range(3):  # a magic number, the version, the sizes of C types
        _Unpickler(stream).load()
    unpickler = _Unpickler(stream)
    checkpoint = unpickler.load()
    storages: dict[str, NDArray[np.float32]] = {}
    for key in _Unpickler(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = np.frombuffer(stream.read(4 * count), "<f4")
    tensors: dict[str, _Tensor] = checkpoint["model_state"]
    return {name: tensor.of(storages) for name, tensor in tensors.items()}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor lies: a contiguous part of a storage."""

    storage: str
    offset: int
    shape: tuple[int, ...]

    def of(self, storages: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        count = int(np.prod(self.shape, dtype=int))
        return storages[self.storage][self.offset : self.offset + count].reshape(self.shape)


class _Unpickler(pickle.Unpickler):
    """Makes nothing but dictionaries, numbers and places of tensors, whatever the file says."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor"): _tensor,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch", "FloatStorage"): "FloatStorage",
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return known[module, name]

    def persistent_load(self, place: Any) -> str:
        return str(place[2])


def _tensor(storage: str, offset: int, shape: Sequence[int], *_rest: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape))


def _speech(power: Floats) -> Floats:
    """The frames that are not silent beside the loudest; all of them where that leaves none."""
    level_db = 10 * np.log10(power.sum(1) + 1e-12)
    kept = power[level_db > level_db.max() - _SPEECH_WITHIN_DB]
    return kept if len(kept) else power


def _sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(values, -60, 60)))


def _unit(vector: Floats) -> Floats:
    return vector / (float(np.linalg.norm(vector)) + 1e-12)
