"""How much speech is heard, and how long a detector has to listen for it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corpus.speech.detector import CHUNK_SAMPLES
from curation.listen import listen
from curation.measurements import Measurements
from tests.unit.curation.sounds import Samples, joined, measured, silence, tone

SPEECH_DBFS = -20.0


class TakesOneLevelForSpeech:
    """A detector that hears speech in chunks of about one level, and notes how long it listened."""

    def __init__(self) -> None:
        self.chunks = list[int]()

    def speech(self, batch: Sequence[Samples]) -> list[NDArray[np.float32]]:
        answers = []
        for samples in batch:
            self.chunks.append(-(-len(samples) // CHUNK_SAMPLES))
            padded = np.pad(samples, (0, self.chunks[-1] * CHUNK_SAMPLES - len(samples))).reshape(-1, CHUNK_SAMPLES)
            level = 10 * np.log10(np.square(padded / 32_768).mean(axis=1) + 1e-12)
            answers.append((np.abs(level - SPEECH_DBFS) < 3).astype(np.float32))
        return answers


def heard(samples: Samples) -> tuple[Measurements, int]:
    detector = TakesOneLevelForSpeech()
    [clip] = listen(detector, [samples], [measured(samples)])
    return clip, sum(detector.chunks)


def test_half_a_second_full_of_speech_settles_it() -> None:
    clip, chunks = heard(joined(silence(3.0), tone(2.0, rms_dbfs=SPEECH_DBFS), silence(3.0)))

    assert chunks == 16
    assert (clip.heard_s, clip.speech_share) == (0.512, 1.0)


def test_where_the_loudest_is_no_speech_the_beginning_is_listened_to() -> None:
    clip, chunks = heard(joined(tone(0.64, rms_dbfs=SPEECH_DBFS), silence(1.0), tone(1.5, rms_dbfs=-5.0)))

    assert chunks == 16 + 48
    assert clip.heard_s == 1.536
    assert clip.speech_s is not None
    assert 0.5 < clip.speech_s < 0.7


def test_where_that_is_none_either_all_is_listened_to() -> None:
    clip, chunks = heard(joined(tone(1.5, rms_dbfs=-5.0), silence(1.0), tone(0.64, rms_dbfs=SPEECH_DBFS)))

    assert chunks == 16 + 48 + 99
    assert clip.heard_s == 3.14
    assert clip.speech_s is not None
    assert 0.5 < clip.speech_s < 0.7


def test_a_short_clip_is_listened_to_once() -> None:
    clip, chunks = heard(tone(0.5, rms_dbfs=-5.0))

    assert chunks == 16
    assert (clip.heard_s, clip.speech_s) == (0.5, 0.0)


def test_what_no_detector_has_heard_has_no_share() -> None:
    assert (measured(tone()).speech_s, measured(tone()).speech_share) == (None, None)
