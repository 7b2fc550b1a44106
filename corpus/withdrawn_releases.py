"""Removes from the object store what `corpus.release_queries.entomb` has taken out of the releases.

Idempotent, and works from rows alone: the archives that hold a withdrawn clip and the manifests that name it, and all
of a version that was revoked. A re-cut puts new ones beside what is left.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from corpus import object_keys, release_queries
from corpus.collaborators import Collaborators
from corpus.errors import StoreError
from corpus.object_store import erase_below

Version = tuple[str, str]
"""A release's name and its version."""


@dataclass(frozen=True, slots=True)
class Emptied:
    """What one run removed, and what it could not."""

    objects: int
    refused: frozenset[Version] = frozenset()
    """Those in which something withdrawn may lie still: nobody may be told that it is gone."""
    first_error: StoreError | None = None


def empty_withdrawn(house: Collaborators, only: Collection[Version] | None = None) -> Emptied:
    """Of every version, or of some. What the store refuses holds up nothing else, and is left for the next run."""
    with house.database.reading() as session:
        withdrawn = release_queries.withdrawn_files(session)
        revoked = release_queries.revoked_releases(session)  # asked last: what is revoked in between is in both
    some = defaultdict[Version, set[str]](set)
    for file in withdrawn:
        some[file.name, file.version].add(object_keys.release_file(file.name, file.version, file.revision, file.path))
    doomed: dict[Version, set[str] | None] = {**some, **dict.fromkeys(revoked)}
    objects, refused, errors = 0, set[Version](), list[StoreError]()
    for version in doomed.keys() if only is None else doomed.keys() & only:
        try:
            objects += erase_below(house.store, object_keys.release_prefix(*version), doomed[version])
        except StoreError as error:
            refused.add(version)
            errors.append(error)
    return Emptied(objects, frozenset(refused), errors[0] if errors else None)


def empty_version(house: Collaborators, name: str, version: str) -> int:
    """`empty_withdrawn`, of one version: how many objects it removed. Raises what the store refused first."""
    emptied = empty_withdrawn(house, [(name, version)])
    if emptied.first_error is not None:
        raise emptied.first_error
    return emptied.objects
