"""How good a clip would sound to a panel of listeners: DNSMOS P.835, whose weights the extra `dnsmos` brings along.

Reddy, Gopal and Cutler ("DNSMOS P.835", ICASSP 2022) taught a network what people answer who are asked by ITU-T P.835
about the speech, the background and the whole, from 1, bad, to 5, excellent. It hears 9 s: a shorter clip is repeated,
and a longer one heard every second and averaged, as its authors do. Nothing is fetched, and nothing decided by it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.errors import DnsmosMissing, Misconfigured
from curation.measure import Samples
from curation.measurements import Measurements

MODEL_SHA256 = "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd"
"""Of sig_bak_ovr.onnx in speechmos 0.0.1.1 (github.com/microsoft/DNS-Challenge, MIT)."""

HEARD_S = 9.01
HEARD_SAMPLES = round(HEARD_S * RATE_HZ)

_SQUARE = np.array([-0.08397278, -0.13166888, -0.06766283])
_LINEAR = np.array([1.22083953, 1.60915514, 1.11546468])
_CONSTANT = np.array([0.0052439, -0.39604546, 0.04602535])
"""Of the polynomials, for SIG, BAK and OVRL, from the network's answer to the panel's: its authors' own."""


class Dnsmos:
    """The network, on one thread of this process."""

    def __init__(self, model: Path) -> None:
        """Raises `DnsmosMissing`, and `Misconfigured` where the file is another than the one that was pinned."""
        try:
            from onnxruntime import InferenceSession, SessionOptions

            content = model.read_bytes()
        except (ImportError, FileNotFoundError) as error:
            raise DnsmosMissing from error
        if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
            raise Misconfigured(f"{model} is not the model that was pinned: install `loanword[dnsmos]` anew.")
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def rate(self, samples: Samples) -> NDArray[np.float64]:
        """SIG, BAK and OVRL, 1 to 5, of 16 kHz mono samples. Raises ZeroDivisionError where there are none."""
        answers = self._session.run(None, {"input_1": _windows(samples)})[0].astype(np.float64)
        return np.asarray((_SQUARE * answers**2 + _LINEAR * answers + _CONSTANT).mean(axis=0))


def load_dnsmos(setting: str | None) -> Dnsmos | None:
    """`dnsmos`, or none. Raises `Misconfigured`."""
    if setting is None:
        return None
    extra = find_spec("speechmos")
    if extra is None or not extra.submodule_search_locations:
        raise DnsmosMissing
    return Dnsmos(Path(extra.submodule_search_locations[0], "dnsmos_models", "sig_bak_ovr.onnx"))


def rate(model: Dnsmos, batch: Sequence[Samples], measured: Sequence[Measurements]) -> list[Measurements]:
    """The measurements of these clips with what a panel would say of them."""
    ratings = [model.rate(samples).round(3).tolist() for samples in batch]
    return [
        replace(clip, dnsmos_sig=sig, dnsmos_bak=bak, dnsmos_ovrl=ovrl)
        for clip, (sig, bak, ovrl) in zip(measured, ratings, strict=True)
    ]


def _windows(samples: Samples) -> NDArray[np.float32]:
    """Shape (windows, `HEARD_SAMPLES`), one for each second that begins far enough from the end; full scale is ±1."""
    times = 1 << max(0, (-(-HEARD_SAMPLES // len(samples)) - 1).bit_length())  # doubled until it is long enough
    signal = np.tile(samples.astype(np.float32) / 32_768, times)
    last = int(len(signal) // RATE_HZ - HEARD_S)
    return np.stack([signal[second * RATE_HZ :][:HEARD_SAMPLES] for second in range(last + 1)])
