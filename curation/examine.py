"""What is found out about one utterance: its audio, how the stages judge it, and what is said in it.

Nothing here writes a row. Audio and keys live in memory, as long as their batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.keys import AccountKey, KeyKind
from corpus.sealed import SealedBytes, place
from corpus.speech.decoder import Decoder
from corpus.speech.recogniser import Recogniser
from corpus.words import ClipId, KeyId
from curation import pipeline
from curation.clip import MeasuredClip, measure
from curation.pipeline import Stage
from curation.queries import Waiting
from curation.verdict import StageVerdict

DEVICE = "device"
"""The recogniser's name for the transcript that came with an utterance."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What one worker works with, from its start to its end."""

    house: Collaborators
    decoder: Decoder
    recogniser: Recogniser | None
    stages: Sequence[Stage] = pipeline.STAGES


@dataclass(frozen=True, slots=True)
class Guess:
    """What was heard, and by whom; as heard, not yet in any alphabet."""

    recogniser: str
    text: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class SealedClip:
    """What a clip that passed leaves behind: an object in the store, the keyed digest of its PCM, and the guess."""

    object_key: str
    pcm_digest: str
    guess: SealedBytes | None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A recording that was decoded and judged."""

    key: AccountKey
    pcm: bytes
    clip: MeasuredClip
    verdicts: Sequence[StageVerdict]
    guess: Guess | None = None
    sealed: SealedClip | None = None

    @property
    def passed(self) -> bool:
        return pipeline.drop_reason(self.verdicts) is None


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One utterance, the clip that it becomes, and its judgement or the error that stood in the way."""

    utterance: Waiting
    clip_id: ClipId
    judged: Judged | None = None
    error: str | None = None

    @property
    def passed(self) -> Judged | None:
        """The judgement, if it lets the clip through so far."""
        return self.judged if self.judged and self.judged.passed and self.error is None else None


def judge(bench: Workbench, each: Examined, keys: dict[KeyId, AccountKey]) -> Examined:
    """Fetches, decodes, measures and judges. `keys` are the batch's unwrapped keys so far."""
    utterance, keyring = each.utterance, bench.house.keyring
    if utterance.voice_key_id not in keys:
        keys[utterance.voice_key_id] = keyring.unwrap(utterance.account_id, utterance.voice_key_id, KeyKind.VOICE)
    key = keys[utterance.voice_key_id]
    sent = bench.house.vault.get(key, utterance.object_key)
    recording = bench.decoder.decode(sent, bench.house.settings.clip_max)
    clip = measure(np.frombuffer(recording.pcm, dtype="<i2"), is_cut=recording.too_long)
    judged = Judged(key, recording.pcm, clip, pipeline.run(bench.stages, clip))
    if judged.passed and utterance.transcript is not None:
        text = key.open(utterance.transcript, place("utterances.transcript", utterance.utterance_id)).decode()
        judged = replace(judged, guess=Guess(DEVICE, text, confidence=None))
    return replace(each, judged=judged)


def hear(recogniser: Recogniser, each: Examined) -> Examined:
    """Asks about a clip that passed without a transcript. One by one: batches of 8 were no faster."""
    if each.passed is None or each.passed.guess:
        return each
    [heard] = recogniser.hear([each.passed.clip.samples])
    guess = Guess(recogniser.name, heard.text, heard.confidence)
    return replace(each, judged=replace(each.passed, guess=guess))


def store(house: Collaborators, each: Examined) -> Examined:
    """Seals the canonical PCM of a clip that passed, durable before any row names it."""
    if each.passed is None:
        return each
    key, guess = each.passed.key, each.passed.guess
    sealed = SealedClip(
        object_keys.new_clip_key(key.account_id, key.key_id, each.clip_id),
        house.master.digest("pcm", each.passed.pcm),
        key.seal(guess.text.encode(), place("hypotheses.text", f"{each.clip_id}/{guess.recogniser}"))
        if guess
        else None,
    )
    house.vault.put(key, sealed.object_key, each.passed.pcm)
    return replace(each, judged=replace(each.passed, sealed=sealed))
