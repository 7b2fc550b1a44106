"""What is stated beside a notice's wording, frozen at its publication: who keeps what, for how long, for whom.

Each consent event commits to it, and each receipt carries it. `not_filled` names the fields of ISO/IEC TS 27560 that
this installation cannot honestly fill, rather than leave a reader to think that they were forgotten.
"""

from datetime import timedelta

from corpus.retention import retention_in_words
from corpus.settings import Settings
from corpus.words import Purpose

SCHEMA = "loanword/terms/1"

PURPOSES = {
    Purpose.COLLECT: {
        "data": ["voice recordings", "what the device understood", "time of the recording"],
        "purpose": "keep what one's devices send, to make speech recognition better",
        "recipients": "nobody but the operator's machines",
        "retention": "until it is withdrawn, or the recording deleted",
    },
    Purpose.REVIEW: {
        "data": ["voice recordings", "transcripts"],
        "purpose": "people listen to recordings and correct their transcripts",
        "recipients": "curators whom the operator has chosen",
        "retention": "until it is withdrawn, or the recording deleted",
    },
    Purpose.PUBLISH: {
        "data": ["voice recordings", "transcripts", "a pseudonym for each release"],
        "purpose": "recordings are part of openly licensed releases for training speech recognition",
        "recipients": "whoever pulls a release; the operator knows them by their account",
        "retention": "until it is withdrawn: then tombstones tell everyone who pulled it to remove it",
    },
    Purpose.DEMOGRAPHICS: {
        "data": ["age band", "gender", "accent"],
        "purpose": "describe, coarsely, who speaks in the dataset",
        "recipients": "the operator's machines; curators see sums of eleven people or more, and no single answer",
        "retention": "until it is withdrawn, or taken out",
    },
}

WITHDRAWAL = "one button on one's own page, or the API; it takes effect at once"

NEVER_FILLED = (
    "authority_party",
    "codes_of_conduct",
    "geographic_restrictions",
    "impact_assessment",
    "processing_locations",
    "storage_locations",
)
"""Fields of ISO/IEC TS 27560 that no setting of ours can tell."""


def terms_of(settings: Settings) -> dict[str, object]:
    """By the settings as they are now. Nothing is stated that they do not say."""
    controller = {"contact": settings.controller_contact, "name": settings.controller_name}
    address = settings.public_url.rstrip("/") if settings.public_url else None
    stated: dict[str, object] = {
        "age": "adults alone, who affirm it themselves",
        "controller": {name: value for name, value in controller.items() if value},
        "lawful_basis": "consent",
        "privacy_rights": ["see", "take home", "delete one or all", "withdraw", "close the account"],
        "purposes": {purpose.value: told for purpose, told in PURPOSES.items()} | _sent_elsewhere(settings),
        "retention": retention_in_words(settings),
        "schema": SCHEMA,
        "validity": in_words(settings.consent_lifetime) if settings.consent_lifetime else "until it is withdrawn",
        "withdrawal": {"method": WITHDRAWAL, **({"address": f"{address}/me"} if address else {})},
    }
    if settings.remote_recognisers():
        stated["recognisers"] = settings.remote_recognisers()
    if settings.jurisdiction:
        stated["jurisdiction"] = settings.jurisdiction
    if address:
        stated["privacy_notice"] = f"{address}/v1/notices"
    unset = {
        "party_name": not settings.controller_name,
        "party_contact": not settings.controller_contact,
        "jurisdiction": not settings.jurisdiction,
        "withdrawal_address": not address,
    }
    stated["not_filled"] = sorted([*NEVER_FILLED, *(name for name, is_unset in unset.items() if is_unset)])
    return stated


def _sent_elsewhere(settings: Settings) -> dict[str, dict[str, object]]:
    hosts = " and ".join(settings.remote_recognisers())
    if not hosts:
        return {}
    collect = PURPOSES[Purpose.COLLECT]
    told = f"{collect['recipients']}, and the speech recogniser at {hosts}, which is sent recordings to hear them"
    return {Purpose.COLLECT.value: {**collect, "recipients": told}}


def in_words(duration: timedelta) -> str:
    """Such as "30 days"."""
    days, rest = divmod(duration, timedelta(days=1))
    if days and not rest:
        return f"{days} day{'s' * (days != 1)}"
    hours = duration / timedelta(hours=1)
    return f"{hours:g} hour{'s' * (hours != 1)}"
