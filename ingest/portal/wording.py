"""The portal's words: purposes, states, times and sizes as a contributor would say them. Pure."""

from dataclasses import dataclass
from datetime import datetime

from corpus.demographics import Field
from corpus.words import ConsentAct, ErasureKind, Purpose, ReleaseState
from ingest.own.clips import WordsFrom
from ingest.own.state import ClipState
from ingest.receipts import Receipt


@dataclass(frozen=True, slots=True)
class PurposeWords:
    """A purpose: its name, what it means, and what taking it back does."""

    title: str
    means: str
    taken_back: str


PURPOSES = {
    Purpose.COLLECT: PurposeWords(
        "Keep what my devices send",
        "Recordings from the devices that you pair are stored, encrypted under a key of your own, "
        "and prepared by machine.",
        "Everything below stops as well, and everything is erased.",
    ),
    Purpose.REVIEW: PurposeWords(
        "People may listen",
        "Curators of this project listen to your recordings and correct what was understood.",
        "Your recordings leave every queue and every release. They stay with you.",
    ),
    Purpose.PUBLISH: PurposeWords(
        "Put them in open releases",
        "Recordings that were reviewed may become part of data sets that anyone may download and train on. "
        "Needs “People may listen”.",
        "Releases are withdrawn or made again without you. Copies that others have already downloaded are asked back, "
        "and nobody can make them come back.",
    ),
    Purpose.DEMOGRAPHICS: PurposeWords(
        "Say roughly who is speaking",
        "You may add a coarse age, gender and accent, each on its own. You choose which, on a page of their own.",
        "What you added is scrubbed.",
    ),
}
ACTS = {
    ConsentAct.GIVEN: "You agreed",
    ConsentAct.RENEWED: "You agreed again",
    ConsentAct.REFUSED: "You did not agree",
    ConsentAct.WITHDRAWN: "You took it back",
    ConsentAct.EXPIRED: "It ran out",
}

STATES = {
    ClipState.WAITING: ("Waiting", "It will be prepared by machine soon."),
    ClipState.COMPARED: ("Being prepared", "It is compared with your other recordings."),
    ClipState.DROPPED: ("Not used", "It will not be used."),
    ClipState.FAILED: ("Not used", "It could not be read as audio."),
    ClipState.QUARANTINED: ("Set aside", "It is kept out of every use."),
    ClipState.KEPT: ("Kept", "Nobody listens to it, because you have not agreed to that."),
    ClipState.QUEUED: ("Waiting for review", "A curator will listen to it."),
    ClipState.IN_REVIEW: ("In review", "A curator is listening to it now."),
    ClipState.ACCEPTED: ("Accepted", "A curator listened to it and wrote down its words."),
    ClipState.REJECTED: ("Not accepted", "A curator listened to it, and it will not be used."),
}
WHY = {
    "too_short": "It is too short.",
    "too_long": "It is too long.",
    "silent": "Nothing can be heard in it.",
    "too_quiet": "It is too quiet.",
    "clipped": "It is too loud for the microphone.",
    "no_speech": "Nobody speaks in it.",
    "too_noisy": "There is too much noise in it.",
    "duplicate": "You have sent the same recording before; the better one is kept.",
    "shared_across_accounts": "The same sound came from somebody else too, so it is nobody's to lend.",
    "disputed": "Those who listened to it did not agree on what is said.",
    "not_speech": "It is not speech.",
    "unintelligible": "The words cannot be made out.",
    "cut_off": "It is cut off.",
    "wrong_language": "It is in another language.",
    "second_speaker": "Somebody else can be heard in it.",
    "child_or_bystander": "A child or a bystander can be heard in it.",
    "personal_data": "It says something personal.",
    "other": "For another reason.",
}
SOURCES = {
    WordsFrom.CURATOR: "written down by a curator",
    WordsFrom.DEVICE: "as your device understood it",
    WordsFrom.RECOGNISER: "as a machine heard it",
}
FIELDS = {
    Field.AGE_BAND: ("How old are you?", "Only the band is kept."),
    Field.GENDER: ("What is your gender?", "As you say it yourself."),
    Field.ACCENT: ("Where is your accent from?", "The part of the world, and nothing finer."),
}
ANSWERS = {"18_29": "18 to 29", "30_44": "30 to 44", "45_59": "45 to 59", "60_or_older": "60 or older"}
ERASURES = {
    ErasureKind.VOICE: "Your whole voice",
    ErasureKind.RECORDINGS: "Single recordings",
    ErasureKind.PURPOSES: "What rested on a purpose",
    ErasureKind.ACCOUNT: "Your account",
}
RELEASE_STATES = {
    ReleaseState.DRAFT: "being made",
    ReleaseState.CURRENT: "the current version",
    ReleaseState.SUPERSEDED: "an older version",
    ReleaseState.REVOKED: "withdrawn",
}


def why(reason: str) -> str:
    """A reason that has no sentence yet says at least its own word."""
    return WHY.get(reason, f"{reason.replace('_', ' ').capitalize()}.")


def receipt(given: Receipt) -> str:
    """What a receipt is of, in one line."""
    if given.act is None or given.purpose is None:
        return "Erased"
    return f"{ACTS[given.act]}: {PURPOSES[given.purpose].title}"


def answer(value: str) -> str:
    """An answer about oneself, as the page says it."""
    small = {"And": "and"}
    return ANSWERS.get(value) or " ".join(small.get(each, each) for each in value.replace("_", " ").title().split())


def day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def moment(at: datetime) -> str:
    return f"{day(at)}, {at:%H:%M} UTC"


def seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s"


def size(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f} MB" if size_bytes >= 1_000_000 else f"{max(1, round(size_bytes / 1000))} kB"


def many(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"
