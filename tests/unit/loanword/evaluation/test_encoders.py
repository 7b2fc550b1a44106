"""Encoders hear who speaks; the recurrent one reads weights that torch wrote, without torch."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.errors import Misconfigured
from loanword.evaluation.encoders import Recurrent, Statistics, load_encoder, read_weights
from loanword.evaluation.mel import mel_power

CHANCE = np.random.default_rng(3)
NOISE = CHANCE.normal(0, 3_000, 32_000).astype(np.int16)


def small_weights() -> dict[str, NDArray[np.float32]]:
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (6, 8), "linear.bias": (6,)}
    for layer, channels in enumerate((40, 8, 8)):
        shapes |= {f"lstm.weight_ih_l{layer}": (32, channels), f"lstm.weight_hh_l{layer}": (32, 8)}
        shapes |= {f"lstm.bias_ih_l{layer}": (32,), f"lstm.bias_hh_l{layer}": (32,)}
    return {name: CHANCE.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


class Storage:
    """Pickles as a reference to a storage of torch's."""

    def __init__(self, key: str, count: int) -> None:
        self.place = ("storage", pickle.PickleBuffer, key, "cpu", count, None)


def checkpoint(tensors: dict[str, NDArray[np.float32]]) -> bytes:
    """What torch before 1.6 would have written, with opcodes put by hand where a class of torch's is named."""
    out = io.BytesIO()
    for said in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(said, out, 2)
    out.write(b"\x80\x02}X\x0b\x00\x00\x00model_state}")
    for key, (name, values) in enumerate(tensors.items()):
        out.write(b"X" + struct.pack("<I", len(name)) + name.encode())
        out.write(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n")
        out.write(b"X" + struct.pack("<I", len(str(key))) + str(key).encode() + b"X\x03\x00\x00\x00cpuK\x00tQ")
        out.write(b"K\x00(" + b"".join(b"J" + struct.pack("<i", size) for size in values.shape) + b"ttR" + b"s")
    out.write(b"s.")
    pickle.dump([str(key) for key in range(len(tensors))], out, 2)
    for values in tensors.values():
        out.write(struct.pack("<q", values.size) + values.astype("<f4").tobytes())
    return out.getvalue()


def test_weights_are_read_as_they_were_written() -> None:
    weights = small_weights()

    read = read_weights(checkpoint(weights))

    assert read.keys() == weights.keys()
    assert all(np.array_equal(read[name], weights[name]) for name in weights)


def test_a_file_that_would_run_something_is_refused(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    with pytest.raises(pickle.UnpicklingError, match="no place"):
        read_weights(pickle.dumps(Malicious()))
    assert not (tmp_path / "ran").exists()


def test_the_recurrent_encoder_is_three_lstm_layers_and_a_rectified_line() -> None:
    weights = small_weights()

    embedded = Recurrent(weights).embed(NOISE[:8_000])

    heard = mel_power(NOISE[:8_000] / 32768)
    padded = np.zeros((160, 40))
    padded[: len(heard)] = heard
    for layer in range(3):
        state, cell, outputs = np.zeros(8), np.zeros(8), []
        for frame in padded:
            gates = weights[f"lstm.weight_ih_l{layer}"] @ frame + weights[f"lstm.weight_hh_l{layer}"] @ state
            gates = gates + weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
            taken, kept, new, shown = gates[:8], gates[8:16], gates[16:24], gates[24:]
            cell = cell / (1 + np.exp(-kept)) + np.tanh(new) / (1 + np.exp(-taken))
            state = np.tanh(cell) / (1 + np.exp(-shown))
            outputs.append(state)
        padded = np.array(outputs)
    expected = np.maximum(weights["linear.weight"] @ padded[-1] + weights["linear.bias"], 0)
    assert embedded == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)


@pytest.mark.parametrize(
    "samples", [NOISE, NOISE[:1_600], np.zeros(1_600, np.int16)], ids=["noise", "short", "silence"]
)
def test_an_embedding_is_a_direction(samples: NDArray[np.int16]) -> None:
    for encoder in (Statistics(), Recurrent(small_weights())):
        embedded = encoder.embed(samples)

        assert np.all(np.isfinite(embedded))
        assert np.linalg.norm(embedded) < 1 + 1e-9
        assert not np.any(samples) or np.linalg.norm(embedded) == pytest.approx(1.0)


def test_mel_bands_hear_a_tone_in_the_band_that_librosa_puts_it_in() -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)

    power = mel_power(tone)

    assert power.shape == (101, 40)
    assert set(np.argmax(power[5:-5], axis=1)) == {13}


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    other, wheel = tmp_path / "other.pt", tmp_path / "other.whl"
    other.write_bytes(checkpoint(small_weights()))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("something/else.pt", b"")

    for named in (other, wheel, tmp_path / "absent.pt"):
        with pytest.raises(Misconfigured):
            load_encoder(named)
