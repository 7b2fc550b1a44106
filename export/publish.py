"""Publishes a built release: verifies every file in the store, has the ledger tell of it, and makes it current.

In two steps, since the proof from the ledger is put into the store between them: a crash leaves a draft that can be
published again. Both ask everyone's consent while withdrawals wait. Also lists releases, and shows one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from corpus import object_keys, release_queries
from corpus.collaborators import Collaborators
from corpus.errors import (
    BadManifest,
    ObjectAbsent,
    ReleaseExists,
    ReleaseIncomplete,
    ReleaseWithdrawn,
    UnknownRelease,
)
from corpus.queries import share_accounts
from corpus.release_queries import lock_name
from corpus.tables import Release
from corpus.words import ReleaseState
from export import announce, objects, queries, snapshot
from export.objects import StoredFile
from export.queries import ReleaseFacts
from export.release_file import RELEASE_JSON, RELEASE_SIGNATURE, SHA256SUMS, ReleaseFile, format_sums, parse_release
from export.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release and, once it is built, its release.json."""

    facts: ReleaseFacts
    file: ReleaseFile | None


def publish_release(house: Collaborators, name: str, version: str) -> ReleaseFacts:
    """A draft becomes current, and the version that was is superseded.

    Raises `UnknownRelease`, `ReleaseExists` (published before), `ReleaseIncomplete` and `ReleaseWithdrawn`.
    """
    frozen, manifest_sha256, files = _built(house, name, version)
    _verify(house, frozen, manifest_sha256, files)
    with house.database.writing() as session:
        release = _draft_that_stands(session, house, frozen, manifest_sha256)
        announced = announce.tell_ledger(
            session, house, release, 1, manifest_sha256, release.consent_root or "", house.clock()
        )
    signature = announce.put_signature(house, announced)
    with house.database.writing() as session:
        release = _draft_that_stands(session, house, frozen, manifest_sha256)
        now = house.clock()
        queries.supersede(session, name)
        queries.add_file(session, release.id, RELEASE_SIGNATURE, signature)
        release.state = ReleaseState.CURRENT
        release.published_at = now
        session.flush()
        release_queries.renew_state(session, house.signer, name, now, house.settings.release_state_lasts)
    return show_release(house, name, version).facts


def list_releases(house: Collaborators, name: str | None = None) -> list[ReleaseFacts]:
    with house.database.reading() as session:
        return queries.releases(session, name)


def show_release(house: Collaborators, name: str, version: str) -> ReleaseView:
    """Raises `UnknownRelease`."""
    found = [facts for facts in list_releases(house, name) if facts.version == version]
    if not found:
        raise UnknownRelease
    try:
        with house.store.open(object_keys.release_file(name, version, found[0].revision, RELEASE_JSON)) as file:
            return ReleaseView(found[0], parse_release(file.read()))
    except ObjectAbsent:
        return ReleaseView(found[0], None)


def _draft_that_stands(session: Session, house: Collaborators, frozen: Snapshot, manifest_sha256: str) -> Release:
    """The gate: the draft as it was built, with everyone in it still willing, while withdrawals wait."""
    share_accounts(session, queries.accounts_in(session, frozen.release_id))
    lock_name(session, frozen.name)
    release = queries.locked_release(session, frozen.release_id)
    now = house.clock()
    if release is None or release.state is ReleaseState.REVOKED or not snapshot.stands(session, frozen, now):
        raise ReleaseWithdrawn
    if release.state is not ReleaseState.DRAFT:
        raise ReleaseExists("This version was published before.")
    if release.manifest_sha256 != manifest_sha256:
        raise ReleaseIncomplete
    return release


def _built(house: Collaborators, name: str, version: str) -> tuple[Snapshot, str, dict[str, StoredFile]]:
    with house.database.reading() as session:
        release = queries.release_of(session, name, version)
        if release is None:
            raise UnknownRelease
        if release.state is ReleaseState.REVOKED:
            raise ReleaseWithdrawn
        if release.published_at is not None:
            raise ReleaseExists("This version was published before.")
        if release.manifest_sha256 is None or release.consent_root is None:
            raise ReleaseIncomplete
        return snapshot.of(session, release), release.manifest_sha256, queries.files_of(session, release.id)


def _verify(house: Collaborators, frozen: Snapshot, manifest_sha256: str, files: Mapping[str, StoredFile]) -> None:
    """Every file that release.json names is there whole, and nothing else is. Raises `ReleaseIncomplete`."""
    prefix = object_keys.release_prefix(frozen.name, frozen.version)
    try:
        with house.store.open(prefix + RELEASE_JSON) as file:
            text = file.read()
        release_json = objects.facts_of(text)
        if release_json.sha256 != manifest_sha256:
            raise ReleaseIncomplete
        expected = dict(parse_release(text).files)
        expected[RELEASE_JSON] = release_json
        expected[SHA256SUMS] = objects.facts_of(format_sums(expected).encode())
        if expected != {path: file.facts for path, file in files.items() if path != RELEASE_SIGNATURE}:
            raise ReleaseIncomplete
        for path, facts in expected.items():
            if objects.facts(house.store, prefix + path) != facts:
                raise ReleaseIncomplete(f"{path} is not the file that was built: run `loanword release build` again.")
    except (ObjectAbsent, BadManifest) as error:
        raise ReleaseIncomplete from error
    present = {info.key.removeprefix(prefix) for info in house.store.list(prefix)} - {RELEASE_SIGNATURE}
    if strays := sorted(present - set(expected)):
        raise ReleaseIncomplete(f"The store holds files that are no part of this release: {', '.join(strays[:5])}.")
