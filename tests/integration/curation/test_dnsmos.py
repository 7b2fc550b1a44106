"""DNSMOS rates what passes, as its authors' own program does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import loanword.samples
from corpus.collaborators import Collaborators
from corpus.errors import DnsmosMissing, Misconfigured
from corpus.tables import Clip, Measurement
from corpus.words import Outcome
from curation import dnsmos, run
from curation.dnsmos import Dnsmos, load_dnsmos
from curation.examine import Workbench
from curation.executors import Inline
from curation.measure import Samples
from tests.factories import make_lender, make_utterance, melody, wav
from tests.integration.curation.endings import rows

SAMPLES = Path(loanword.samples.__file__).parent
LIGHTS, LIBRARY = "ash-turn-on-the-kitchen-lights.wav", "elm-what-time-does-the-library-close.wav"


@pytest.fixture(scope="module")
def model() -> Dnsmos:
    loaded = load_dnsmos("dnsmos")
    assert loaded is not None
    return loaded


def speech(name: str) -> Samples:
    samples, _ = soundfile.read(SAMPLES / name, dtype="int16")
    return np.asarray(samples, np.int16)


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        ([LIGHTS], (3.0251, 3.5838, 2.6414)),
        ([LIBRARY], (3.0019, 3.6703, 2.6546)),
        ([LIGHTS, LIBRARY] * 3, (3.0278, 3.5745, 2.6322)),
    ],
    ids=["2-s", "3-s", "15-s"],
)
def test_it_answers_as_the_program_of_its_authors(
    model: Dnsmos, clips: Sequence[str], says: tuple[float, float, float]
) -> None:
    """What speechmos 0.0.1.1 answers for the same samples."""
    assert model.rate(np.concatenate([speech(name) for name in clips])) == pytest.approx(says, abs=0.01)


def test_noise_is_heard_in_the_background_and_in_the_whole(model: Dnsmos) -> None:
    clean = speech(LIBRARY)
    hiss = np.random.default_rng(1).normal(0, clean.std() / 3, len(clean))

    _, background, whole = model.rate(clean) - model.rate((clean + hiss).astype(np.int16))

    assert background > 1
    assert whole > 0.5


def test_what_passes_is_rated_and_what_does_not_is_not(house: Collaborators, bench: Workbench, model: Dnsmos) -> None:
    lender = make_lender(house)
    kept = make_utterance(house, lender, body=(SAMPLES / LIGHTS).read_bytes())
    make_utterance(house, lender, body=wav(bytes(48_000)))

    run.curate(house, Inline(replace(bench, quality_model=model)))

    rated = {row.clip_id: (row.dnsmos_sig, row.dnsmos_bak, row.dnsmos_ovrl) for row in rows(house, Measurement)}
    [clip] = [clip for clip in rows(house, Clip) if clip.utterance_id == kept]
    assert clip.outcome is Outcome.KEPT
    assert all(value is not None and 1 < value < 5 for value in rated.pop(clip.id))
    assert list(rated.values()) == [(None, None, None)]


def test_nothing_is_rated_where_nobody_asked(house: Collaborators, bench: Workbench) -> None:
    make_utterance(house, make_lender(house), body=wav(melody("a")))

    run.curate(house, Inline(bench))

    [row] = rows(house, Measurement)
    assert (row.dnsmos_sig, row.dnsmos_bak, row.dnsmos_ovrl) == (None, None, None)


def test_another_model_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sig_bak_ovr.onnx").write_bytes(b"another")

    with pytest.raises(Misconfigured, match="not the model that was pinned"):
        Dnsmos(tmp_path / "sig_bak_ovr.onnx")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnsmos, "find_spec", lambda _: None)

    with pytest.raises(DnsmosMissing, match=r"loanword\[dnsmos\]"):
        load_dnsmos("dnsmos")
    assert load_dnsmos(None) is None
