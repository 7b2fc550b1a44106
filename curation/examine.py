"""What is found out about one utterance: its audio, how the stages judge it, and what is said in it.

Nothing here writes a row. Audio and keys live in memory, as long as their batch.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np

from corpus import object_keys
from corpus.audio import RATE_HZ
from corpus.collaborators import Collaborators
from corpus.keys import AccountKey, KeyKind
from corpus.sealed import SealedBytes, place
from corpus.speech.decoder import Decoder, Recording
from corpus.speech.detector import SpeechDetector
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing, Opinion
from corpus.words import ClipId, KeyId
from curation import pipeline
from curation.alignment import Aligner, Alignment
from curation.dnsmos import Dnsmos, rate
from curation.listen import listen
from curation.measure import Samples, Trim, measure_batch, trim_batch
from curation.measurements import Measurements
from curation.personal_data.found import Found
from curation.personal_data.names import NameSpotter
from curation.pipeline import Stage
from curation.queries import Waiting
from curation.recipients import may_be_sent_to
from curation.verdict import StageVerdict

DEVICE = "device"
"""The recogniser's name for the transcript that came with an utterance."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What one worker works with, from its start to its end."""

    house: Collaborators
    decoder: Decoder
    recogniser: Hearing | None
    detector: SpeechDetector | None = None
    quality_model: Dnsmos | None = None
    names: NameSpotter | None = None
    aligner: Aligner | None = None
    stages: Sequence[Stage] = pipeline.STAGES


@dataclass(frozen=True, slots=True)
class SealedOpinion:
    """What of an opinion is personal."""

    text: SealedBytes
    words: SealedBytes | None


@dataclass(frozen=True, slots=True)
class Flagged:
    """What may be personal data in the words of a guess."""

    words: tuple[str, ...]
    spans: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """How sure the transcript is that a curator will be shown, and how many shall hear the clip."""

    confidence: float | None
    reviews_wanted: int
    alignment: Alignment | None = None
    words: SealedBytes | None = None
    """The alignment's: JSON, a list of [word, start_s, end_s, score]."""


@dataclass(frozen=True, slots=True)
class SealedClip:
    """What a clip that passed leaves behind: an object in the store, the keyed digest of its PCM, and the opinions."""

    object_key: str
    pcm_digest: str
    opinions: tuple[SealedOpinion, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """A recording that was decoded, and the key that opened it."""

    key: AccountKey
    recording: Recording


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A recording that was trimmed, measured and judged. `samples` is the trimmed clip, and what is kept of it."""

    key: AccountKey
    samples: Samples
    trim: Trim
    measurements: Measurements
    verdicts: Sequence[StageVerdict]
    opinions: tuple[Opinion, ...] = ()
    """The device's, if it sent any, and then each recogniser's; as heard, not yet in any alphabet."""
    checked: Checked | None = None
    flagged: Flagged | None = None
    sealed: SealedClip | None = None

    @property
    def believed(self) -> Sequence[Opinion]:
        """The opinions that say something."""
        return [opinion for opinion in self.opinions if opinion.heard.doubt is None]

    @property
    def pcm(self) -> bytes:
        return self.samples.tobytes()

    @property
    def passed(self) -> bool:
        return pipeline.drop_reason(self.verdicts) is None


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One utterance, the clip that it becomes, and its judgement or the error that stood in the way."""

    utterance: Waiting
    clip_id: ClipId
    fetched: Fetched | None = None
    judged: Judged | None = None
    error: str | None = None

    @property
    def duration_s(self) -> float:
        """Of what was decoded; 0 where nothing was."""
        if self.judged is None:
            return 0.0
        return (self.judged.trim.start + len(self.judged.samples) + self.judged.trim.end) / RATE_HZ

    @property
    def passed(self) -> Judged | None:
        """The judgement, if it lets the clip through so far."""
        return self.judged if self.judged and self.judged.passed and self.error is None else None


def fetch(bench: Workbench, each: Examined, keys: dict[KeyId, AccountKey]) -> Examined:
    """Fetches and decodes. `keys` are the batch's unwrapped keys so far."""
    utterance, keyring = each.utterance, bench.house.keyring
    if utterance.voice_key_id not in keys:
        keys[utterance.voice_key_id] = keyring.unwrap(utterance.account_id, utterance.voice_key_id, KeyKind.VOICE)
    key = keys[utterance.voice_key_id]
    sent = bench.house.vault.get(key, utterance.object_key)
    return replace(each, fetched=Fetched(key, bench.decoder.decode(sent, bench.house.settings.clip_max)))


def judge(bench: Workbench, batch: Sequence[Examined]) -> list[Examined]:
    """Trims, measures and judges what was fetched; opens the device's transcript of what passed."""
    fetched = [each.fetched for each in batch if each.fetched]
    whole = [np.frombuffer(each.recording.pcm, dtype="<i2") for each in fetched]
    trims = trim_batch(whole)
    clips = [samples[trim.start : len(samples) - trim.end] for samples, trim in zip(whole, trims, strict=True)]
    cut = [each.recording.too_long for each in fetched]
    measured = measured_and_heard(clips, cut, listeners(bench.detector, bench.quality_model), bench.stages)
    judged = [
        Judged(of.key, samples, trim, measurements, pipeline.run(bench.stages, measurements))
        for of, samples, trim, measurements in zip(fetched, clips, trims, measured, strict=True)
    ]
    return [
        replace(each, fetched=None, judged=_with_transcript(each, judged_so))
        for each, judged_so in zip(batch, judged, strict=True)
    ]


Listener = Callable[[Sequence[Samples], Sequence[Measurements]], list[Measurements]]
"""Adds to the measurements of clips what it takes more than arithmetic to tell."""


def listeners(detector: SpeechDetector | None, quality_model: Dnsmos | None = None) -> list[Listener]:
    """Those that there are, in their order."""
    found = list[Listener]()
    if detector:
        found.append(partial(listen, detector))
    if quality_model:
        found.append(partial(rate, quality_model))
    return found


def measured_and_heard(
    clips: Sequence[Samples], cut: Sequence[bool], heard_by: Sequence[Listener], stages: Sequence[Stage]
) -> list[Measurements]:
    """Measures; and has each listener hear what passes without it."""
    measured = measure_batch(clips, cut=cut)
    for listener in heard_by:
        passing = [at for at, clip in enumerate(measured) if not pipeline.drop_reason(pipeline.run(stages, clip))]
        heard = listener([clips[at] for at in passing], [measured[at] for at in passing])
        for at, clip in zip(passing, heard, strict=True):
            measured[at] = clip
    return measured


def _with_transcript(each: Examined, judged: Judged) -> Judged:
    utterance = each.utterance
    if not judged.passed or utterance.transcript is None:
        return judged
    text = judged.key.open(utterance.transcript, place("utterances.transcript", utterance.utterance_id)).decode()
    return replace(judged, opinions=(Opinion(DEVICE, Heard(text)),))


def hear(house: Collaborators, recogniser: Hearing, batch: Sequence[Examined]) -> list[Examined]:
    """Asks about the clips that passed. What a device understood is one opinion more, and spares nobody else's."""
    sounds = [
        Sound(each.passed.samples, each.utterance.locale, partial(may_be_sent_to, house, each.utterance))
        for each in batch
        if each.passed
    ]
    answers = iter(recogniser.hear(sounds) if sounds else ())
    return [
        replace(each, judged=replace(each.passed, opinions=(*each.passed.opinions, *next(answers))))
        if each.passed
        else each
        for each in batch
    ]


def store(house: Collaborators, each: Examined) -> Examined:
    """Seals the canonical PCM of a clip that passed, durable before any row names it."""
    if each.passed is None:
        return each
    key, pcm = each.passed.key, each.passed.pcm
    sealed = SealedClip(
        object_keys.new_clip_key(key.account_id, key.key_id, each.clip_id),
        house.master.digest("pcm", pcm),
        tuple(_sealed(key, each.clip_id, opinion) for opinion in each.passed.opinions),
    )
    house.vault.put(key, sealed.object_key, pcm)
    return replace(each, judged=replace(each.passed, sealed=sealed))


def _sealed(key: AccountKey, clip_id: ClipId, opinion: Opinion) -> SealedOpinion:
    row, words = f"{clip_id}/{opinion.recogniser}", opinion.heard.words
    return SealedOpinion(
        key.seal(opinion.heard.text.encode(), place("hypotheses.text", row)),
        key.seal(json.dumps([astuple(word) for word in words]).encode(), place("hypotheses.words", row))
        if words
        else None,
    )
