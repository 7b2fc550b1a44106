"""Recordings are sent to nobody whom the notices do not name."""

import json

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured


def check_told(house: Collaborators) -> None:
    """Raises `Misconfigured` where a recogniser on another machine is not in the terms of each current notice."""
    hosts = set(house.settings.remote_recognisers())
    if not hosts:
        return
    with house.database.reading() as session:
        told = {each.locale: json.loads(each.terms).get("recognisers", []) for each in queries.current_notices(session)}
    untold = [locale for locale, names in told.items() if not hosts <= set(names)]
    if untold:
        raise Misconfigured(
            f"LOANWORD_RECOGNISER sends recordings to {' and '.join(sorted(hosts))}, and the notice for "
            f"{' and '.join(untold)} does not say so. Publish it under a new version (`loanword consent publish`) with "
            "this setting in force: its terms then name the recogniser."
        )
