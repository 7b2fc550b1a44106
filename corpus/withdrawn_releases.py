"""Removes from the object store what `corpus.release_queries.entomb` has taken out of the releases.

Idempotent, and works from rows alone: the archives that hold a withdrawn clip and the manifests that name it, and all
of a version that was revoked. A re-cut puts new ones beside what is left.
"""

from corpus import object_keys, release_queries
from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, StoreError
from corpus.object_store import erase_below


def erase_withdrawn(house: Collaborators) -> int:
    """Returns how many objects it removed. What one refusal of the store holds up is done with after all the rest;
    then the first refusal is raised: run it again.
    """
    with house.database.reading() as session:
        revoked = release_queries.revoked_releases(session)
        withdrawn = release_queries.withdrawn_files(session)
    gone, trouble = 0, list[LoanwordError]()
    for name, version in revoked:  # gone already, it costs one listing
        try:
            gone += erase_below(house.store, object_keys.release_prefix(name, version))
        except StoreError as error:
            trouble.append(error)
    for file in withdrawn:
        try:
            gone += erase_below(
                house.store, object_keys.release_file(file.name, file.version, file.revision, file.path)
            )
        except StoreError as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]
    return gone
