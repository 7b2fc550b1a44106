"""Removes from the object store what `corpus.release_queries.entomb` has taken out of the releases.

Idempotent, and works from rows alone: the archives that hold a withdrawn clip and the manifests that name it, and all
of a version that was revoked. A re-cut puts new ones beside what is left.
"""

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
        revoked = release_queries.revoked_releases(session)
        withdrawn = release_queries.withdrawn_files(session)
    doomed = [(*each, object_keys.release_prefix(*each)) for each in revoked]  # gone already, it costs one listing
    doomed += [
        (file.name, file.version, object_keys.release_file(file.name, file.version, file.revision, file.path))
        for file in withdrawn
    ]
    objects, refused, errors = 0, set[Version](), list[StoreError]()
    for of_name, of_version, prefix in doomed:
        if only is not None and (of_name, of_version) not in only:
            continue
        try:
            objects += erase_below(house.store, prefix)
        except StoreError as error:
            refused.add((of_name, of_version))
            errors.append(error)
    return Emptied(objects, frozenset(refused), errors[0] if errors else None)


def erase_withdrawn(house: Collaborators, name: str, version: str) -> int:
    """Of one version. Returns how many objects it removed, or raises what the store refused first."""
    emptied = empty_withdrawn(house, [(name, version)])
    if emptied.first_error is not None:
        raise emptied.first_error
    return emptied.objects
