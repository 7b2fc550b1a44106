"""Recordings are sent to no recogniser on another machine of which whoever speaks was not told."""

import json
from collections.abc import Iterable

from sqlalchemy.orm import Session

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured
from corpus.words import AccountId


def recognisers_told(session: Session, account_ids: Iterable[AccountId]) -> dict[AccountId, frozenset[str]]:
    """The hosts in the terms that each account agreed to last. A gate: the caller shares the accounts first."""
    return {account_id: _hosts(terms) for account_id, terms in queries.terms_agreed_to(session, account_ids).items()}


def check_told(house: Collaborators) -> None:
    """Raises `Misconfigured` where a recogniser on another machine is not in the terms of each current notice.

    Nobody would be told of it then, and so nothing sent.
    """
    hosts = set(house.settings.remote_recognisers())
    if not hosts:
        return
    with house.database.reading() as session:
        untold = [each.locale for each in queries.current_notices(session) if not hosts <= _hosts(each.terms)]
    if untold:
        raise Misconfigured(
            f"LOANWORD_RECOGNISER sends recordings to {' and '.join(sorted(hosts))}, and the notice for "
            f"{' and '.join(untold)} does not say so. Publish it under a new version (`loanword consent publish`) with "
            "this setting in force: its terms then name the recogniser."
        )


def _hosts(terms: str) -> frozenset[str]:
    return frozenset(json.loads(terms).get("recognisers", ()))
