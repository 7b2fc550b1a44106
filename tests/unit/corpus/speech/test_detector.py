"""The speech detector, beside the runtime that its model was made for."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.errors import Misconfigured
from corpus.speech import detector
from corpus.speech.detector import CHUNK_SAMPLES, CONTEXT_SAMPLES, SileroDetector, load_detector

onnxruntime: Any = pytest.importorskip("onnxruntime", reason="the extra asr is not installed")


@pytest.fixture(scope="module")
def silero() -> SileroDetector:
    loaded = load_detector("silero")
    assert loaded is not None
    return loaded


def as_the_runtime_answers(clip: NDArray[np.int16]) -> NDArray[np.float32]:
    found = find_spec("faster_whisper")
    assert found is not None
    assert found.submodule_search_locations
    model = Path(found.submodule_search_locations[0], "assets", "silero_vad_v6.onnx")
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    chunks = -(-len(clip) // CHUNK_SAMPLES)
    signal = np.zeros(CONTEXT_SAMPLES + chunks * CHUNK_SAMPLES, np.float32)
    signal[CONTEXT_SAMPLES : CONTEXT_SAMPLES + len(clip)] = clip / 32_768
    starts = range(0, chunks * CHUNK_SAMPLES, CHUNK_SAMPLES)
    rows = np.stack([signal[at : at + CONTEXT_SAMPLES + CHUNK_SAMPLES] for at in starts])
    nothing = np.zeros((1, 1, 128), np.float32)
    answer: NDArray[np.float32] = session.run(None, {"input": rows, "h": nothing, "c": nothing})[0]
    return answer


def buzz(samples: int, seed: int) -> NDArray[np.int16]:
    """Pulses through a resonance, louder and softer: enough like a voice for the model to take sides."""
    rng = np.random.default_rng(seed)
    pulses = np.zeros(samples)
    pulses[:: int(rng.integers(70, 160))] = 1
    ring = np.exp(-np.arange(200) / 40) * np.sin(2 * np.pi * rng.uniform(300, 900) * np.arange(200) / 16_000)
    voice = np.convolve(pulses, ring)[:samples] * (1 + np.sin(np.arange(samples) / 2_000))
    return np.asarray(np.rint(voice * 6_000 + rng.normal(0, 40, samples)), np.int16)


def test_a_batch_is_answered_as_the_runtime_answers_each_clip(silero: SileroDetector) -> None:
    batch = [buzz(samples, seed) for seed, samples in enumerate((16_000, 700, 40_001, 512, 9_216))]

    answers = silero.speech(batch)

    expected = [as_the_runtime_answers(clip) for clip in batch]
    assert max(answer.max() for answer in expected) > 0.5
    for answer, wanted in zip(answers, expected, strict=True):
        assert answer == pytest.approx(wanted, abs=1e-4)


def test_what_has_no_samples_has_no_answers(silero: SileroDetector) -> None:
    assert [len(answer) for answer in silero.speech([np.zeros(0, np.int16), np.zeros(513, np.int16)])] == [0, 2]
    assert [len(answer) for answer in silero.speech([np.zeros(0, np.int16)])] == [0]


def test_another_model_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"some other model")

    assert hashlib.sha256(other.read_bytes()).hexdigest() != detector.MODEL_SHA256
    with pytest.raises(Misconfigured, match="pinned"):
        SileroDetector(other)
    with pytest.raises(Misconfigured, match="missing"):
        SileroDetector(tmp_path / "absent.onnx")


def test_none_means_none() -> None:
    assert load_detector(None) is None
