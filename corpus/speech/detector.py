"""Where somebody speaks in canonical PCM, by the Silero model that the extra `asr` brings along.

The model is small (300,000 weights), and its graph makes its runtime compute a Fourier transform as a convolution, one
clip at a time. Here the same weights run over a whole batch in numpy, which takes a quarter of the time; a test holds
both to the same answers. Nothing is fetched.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.fft
import structlog
from numpy.typing import NDArray

from corpus.errors import Misconfigured
from corpus.windows import overlapping

MODEL_SHA256 = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"
"""Of silero_vad_v6.onnx in faster-whisper 1.2.1 (github.com/snakers4/silero-vad, MIT)."""

CHUNK_SAMPLES = 512
"""32 ms: what the model answers for, one after the other."""
CONTEXT_SAMPLES = 64
"""What it hears of the chunk before."""
WINDOW_SAMPLES, STEP_SAMPLES = 256, 128
CELLS = 128

Floats = NDArray[np.float32]

log = structlog.get_logger()


class SpeechDetector(Protocol):
    """Hears where somebody speaks."""

    def speech(self, batch: Sequence[NDArray[np.int16]]) -> list[Floats]:
        """For each clip of 16 kHz mono samples, and each `CHUNK_SAMPLES` begun of it, the probability of speech, shape
        (chunks,)."""


class SileroDetector:
    """Silero's network, as a `SpeechDetector`."""

    name = "silero-v6"

    def __init__(self, model: Path) -> None:
        """Raises `Misconfigured` where the file is absent, or another than the one whose weights we know to read."""
        try:
            content = model.read_bytes()
        except FileNotFoundError as error:
            raise Misconfigured(f"{model} is missing: install `loanword[asr]` again.") from error
        if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
            raise Misconfigured(f"{model} is not the model that was pinned: install `loanword[asr]` as it is locked.")
        weights = _weights(content)
        self._window = weights["encoder.feature_extractor.forward_basis_buffer"][0, 0]  # the cosine of 0 Hz
        self._layers = [
            _Layer(weights[f"encoder.conv_layers.{layer}.weight"], weights[f"encoder.conv_layers.{layer}.bias"], *shape)
            for layer, shape in enumerate(((4, 1), (4, 2), (2, 2), (1, 1)))
        ]
        # Of the four gates three end in a sigmoid, which is (1 + tanh(x/2)) / 2: halved here, all are one tanh below.
        halved = np.where(np.arange(4 * CELLS) < 3 * CELLS, np.float32(0.5), np.float32(1))
        self._from_input = np.ascontiguousarray(weights["onnx::LSTM_209"][0].T * halved)
        self._from_before = np.ascontiguousarray(weights["onnx::LSTM_210"][0].T * halved)
        self._gate_bias = weights["onnx::LSTM_211"][0].reshape(2, -1).sum(axis=0) * halved
        self._out, self._out_bias = weights["decoder.conv1d.weight"].reshape(-1), weights["decoder.conv1d.bias"][0]

    def speech(self, batch: Sequence[NDArray[np.int16]]) -> list[Floats]:
        """Takes clips of 16 kHz mono samples; answers each with probabilities, shape (chunks,)."""
        chunks = [-(-len(clip) // CHUNK_SAMPLES) for clip in batch]
        if not sum(chunks):
            return [np.zeros(0, np.float32) for _ in batch]
        encoded = self._encode(np.concatenate([_chunked(clip, size) for clip, size in zip(batch, chunks, strict=True)]))
        return self._follow(encoded, np.array(chunks))

    def _encode(self, chunks: Floats) -> Floats:
        """Shape (chunks, 576) → (chunks, 128)."""
        mirrored = np.concatenate([chunks, chunks[:, -2 : -2 - CONTEXT_SAMPLES : -1]], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(mirrored, WINDOW_SAMPLES, axis=1)[:, ::STEP_SAMPLES]
        spectrum = scipy.fft.rfft(windows * self._window, axis=2)  # (chunks, 4, 129)
        rows: Floats = np.square(spectrum.real)
        rows += np.square(spectrum.imag)
        rows = np.sqrt(rows, out=rows).reshape(len(chunks), -1)
        for layer in self._layers:
            rows = layer.through(rows)
        return rows

    def _follow(self, encoded: Floats, chunks: NDArray[np.int64]) -> list[Floats]:
        """Runs the memory cells along all clips at once, the longest first: those still running lie together."""
        order = np.argsort(-chunks, kind="stable")
        running = np.count_nonzero(chunks[:, np.newaxis] > np.arange(chunks.max()), axis=0)
        first = np.cumsum(running) - running
        rank = np.argsort(order, kind="stable")
        step = np.arange(len(encoded)) - np.repeat(np.cumsum(chunks) - chunks, chunks)
        place = first[step] + np.repeat(rank, chunks)  # step by step, and within a step by length
        by_step = np.empty_like(encoded)
        by_step[place] = encoded
        gates = by_step @ self._from_input
        gates += self._gate_bias
        hidden = np.zeros((len(chunks), CELLS), np.float32)
        cell, said = np.zeros_like(hidden), by_step
        for start, count in zip(first.tolist(), running.tolist(), strict=True):
            gate = gates[start : start + count]
            gate += hidden[:count] @ self._from_before
            np.tanh(gate, out=gate)
            opened = gate[:, : 3 * CELLS]  # in, out, forget: the order of ONNX
            opened *= np.float32(0.5)
            opened += np.float32(0.5)
            cell = cell[:count] * opened[:, 2 * CELLS :]
            cell += opened[:, :CELLS] * gate[:, 3 * CELLS :]
            hidden = said[start : start + count]
            np.multiply(opened[:, CELLS : 2 * CELLS], np.tanh(cell), out=hidden)
        heard = np.maximum(said, 0) @ self._out + self._out_bias
        return np.split(_sigmoid(heard)[place], np.cumsum(chunks)[:-1])


def load_detector(setting: str | None) -> SileroDetector | None:
    """`silero`, or none; None too, and the log says so, without the extra `asr`. Raises `Misconfigured`."""
    if setting is None:
        return None
    extra = find_spec("faster_whisper")
    if extra is None or not extra.submodule_search_locations:
        log.warning("speech_unmeasured", remedy="pip install 'loanword[asr]', or LOANWORD_SPEECH_DETECTOR=none")
        return None
    return SileroDetector(Path(extra.submodule_search_locations[0], "assets", "silero_vad_v6.onnx"))


def _chunked(clip: NDArray[np.int16], chunks: int) -> Floats:
    """Shape (chunks, 576): each with the end of the one before; the last is filled with zeros."""
    signal = np.zeros(CONTEXT_SAMPLES + chunks * CHUNK_SAMPLES, np.float32)
    signal[CONTEXT_SAMPLES : CONTEXT_SAMPLES + len(clip)] = clip
    signal *= np.float32(1 / 32_768)
    return overlapping(signal, CONTEXT_SAMPLES + CHUNK_SAMPLES, CHUNK_SAMPLES)


class _Layer:
    """A convolution over so few steps, padded by one on either side, as matrices: one for the first half of the steps
    that come out and one for the second, each over those steps that they look at."""

    def __init__(self, kernel: Floats, bias: Floats, steps: int, stride: int) -> None:
        outputs, inputs, taps = kernel.shape
        after = (steps - 1) // stride + 1
        whole = np.zeros((steps, inputs, after, outputs), np.float32)
        for step in range(after):
            for tap in range(taps):
                if 0 <= (before := step * stride + tap - 1) < steps:
                    whole[before, :, step] = kernel[:, :, tap].T
        self._bias = np.tile(bias, after)
        self._parts: list[tuple[slice, slice, Floats]] = []
        for first, last in ((0, after // 2), (after // 2, after)):
            if first < last:
                seen = range(max(first * stride - 1, 0), min((last - 1) * stride + 2, steps))
                part = whole[seen.start : seen.stop, :, first:last].reshape(len(seen) * inputs, -1)
                columns = slice(seen.start * inputs, seen.stop * inputs)
                self._parts.append((columns, slice(first * outputs, last * outputs), np.ascontiguousarray(part)))

    def through(self, rows: Floats) -> Floats:
        """Shape (chunks, steps × in) → (chunks, steps out × out), nothing below zero."""
        out = np.empty((len(rows), len(self._bias)), np.float32)
        for seen, come_out, part in self._parts:
            np.matmul(rows[:, seen], part, out=out[:, come_out])
        out += self._bias
        return np.maximum(out, 0, out=out)


def _sigmoid(values: Floats) -> Floats:
    halved: Floats = np.tanh(values * np.float32(0.5))
    return np.float32(0.5) * (halved + np.float32(1))


def _weights(model: bytes) -> Mapping[str, Floats]:
    """The named float tensors of an ONNX file, a protocol buffer: the graph is field 7, its initialisers field 5."""
    [graph] = [content for field, content in _fields(model) if field == 7]
    found: dict[str, Floats] = {}
    for field, tensor in _fields(graph):
        if field == 5:
            parts = list(_fields(tensor))
            shape = [size for part, size in parts if part == 1]
            if 1 in [kind for part, kind in parts if part == 2]:  # float32
                name, content = (next(value for part, value in parts if part == which) for which in (8, 9))
                found[bytes(name).decode()] = np.frombuffer(content, "<f4").reshape(shape)
    return found


def _fields(message: Any) -> Iterator[tuple[int, Any]]:
    """Field numbers with integers, or the bytes of what has a length."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == 2:  # has a length; all else that ONNX writes is a number
            value, at = message[at : at + value], at + value
        yield key >> 3, value


def _varint(message: Any, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
