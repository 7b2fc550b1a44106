"""Recordings are sent to no recogniser on another machine of which whoever speaks was not told."""

import json

import structlog

from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured
from corpus.queries import current_notices, terms_agreed_to
from curation import queries
from curation.queries import Waiting

log = structlog.get_logger()


def may_be_sent_to(house: Collaborators, utterance: Waiting, host: str) -> bool:
    """Whether the recording may be used now, and the terms that its speaker agreed to last name this host.

    It shares no lock, as gates do that write: a withdrawal need not wait until a recording on its way has come. Raises
    `Transient`.
    """
    with house.database.reading() as session:
        is_usable = bool(queries.waiting(session, [utterance.utterance_id], house.clock()))
        terms = terms_agreed_to(session, utterance.account_id) if is_usable else None
    if terms is not None and host in _hosts(terms):
        return True
    log.info("not_sent", utterance=utterance.utterance_id, recogniser=host, usable=is_usable)
    return False


def check_told(house: Collaborators) -> None:
    """Raises `Misconfigured` where a recogniser on another machine is not in the terms of each current notice.

    Whoever agrees from now on would not be told of it.
    """
    hosts = set(house.settings.remote_recognisers())
    if not hosts:
        return
    with house.database.reading() as session:
        untold = [each.locale for each in current_notices(session) if not hosts <= _hosts(each.terms)]
    if untold:
        raise Misconfigured(
            f"LOANWORD_RECOGNISER sends recordings to {' and '.join(sorted(hosts))}, and the notice for "
            f"{' and '.join(untold)} does not say so. Publish it under a new version (`loanword consent publish`) with "
            "this setting in force: its terms then name the recogniser."
        )


def _hosts(terms: str) -> frozenset[str]:
    return frozenset(json.loads(terms).get("recognisers", ()))
