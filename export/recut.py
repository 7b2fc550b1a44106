"""Cuts a published version anew without the voices that were withdrawn: a revision that reuses, byte for byte, every
archive they did not touch.

The archives that held them, and the lists that named them, are gone from the store already. Each attempt has a number
of its own, and only the newest can end. The whole counts once a last transaction finds in it exactly what may still be
published; somebody who leaves meanwhile begins it anew. Where nobody is left, the version is revoked.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from corpus import ledger_queries, object_keys, release_queries
from corpus.collaborators import Collaborators
from corpus.errors import (
    LoanwordError,
    ObjectCorrupt,
    RecutUnderWay,
    ReleaseSuperseded,
    ReleaseWithdrawn,
    UnknownAccount,
    UnknownRelease,
)
from corpus.queries import lock_account, share_accounts
from corpus.release_queries import entomb, lock_name
from corpus.tables import Release
from corpus.withdrawn_releases import empty_version
from corpus.words import EntryKind, ReleaseState, TombstoneReason
from export import announce, archive, objects, queries, snapshot
from export.assemble import Assembled, Progress, assemble
from export.objects import StoredFile
from export.release_file import RELEASE_SIGNATURE
from export.snapshot import Snapshot

LEASE = timedelta(minutes=2)
"""How long a re-cut keeps others away; renewed with each archive made and with each file read back."""

ATTEMPTS = 8
"""How often one run begins anew because somebody left while it worked."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recut:
    """What a re-cut made. `revision` is None where nobody was left and the version was revoked."""

    name: str
    version: str
    revision: int | None
    clips: int
    archives_kept: int
    archives_made: int


@dataclass(frozen=True, slots=True)
class _Begun:
    """One attempt: what it works from, its number, and the archives that stay."""

    frozen: Snapshot
    revision: int
    kept: Mapping[str, StoredFile]


def recut_release(
    house: Collaborators,
    name: str,
    version: str,
    on_progress: Progress = lambda _done, _all: None,
    *,
    readers: int | None = None,
) -> Recut:
    """Done where nothing was withdrawn, it does nothing. Raises `UnknownRelease`, `ReleaseSuperseded`,
    `ReleaseWithdrawn` (revoked, or never published), or `RecutUnderWay`.
    """
    for _ in range(ATTEMPTS):
        entomb_expired(house)
        empty_version(house, name, version)
        begun = _begin(house, name, version)
        if isinstance(begun, Recut):
            empty_version(house, name, version)
            return begun
        try:
            return _make(house, begun, on_progress, readers)
        except ReleaseWithdrawn:
            _abandon(house, begun)
        except BaseException:
            _abandon(house, begun)
            raise
    raise RecutUnderWay("People are leaving faster than this release can be cut anew: run it again.")


def recut_waiting(house: Collaborators) -> list[Recut]:
    """Every version that waits for it. What one fails at holds up no other, and is tried again by the next run."""
    entomb_expired(house)
    with house.database.reading() as session:
        waiting = queries.awaiting_recut(session)
    done = []
    for name, version in waiting:
        try:
            done.append(recut_release(house, name, version))
        except (LoanwordError, OSError) as error:
            _log.warning("a release is not cut anew yet", release=name, version=version, error=type(error).__name__)
    return done


def entomb_expired(house: Collaborators) -> int:
    """Gives tombstones to the clips whose consent has run out; returns how many."""
    with house.database.reading() as session:
        accounts = queries.accounts_out_of_consent(session, house.clock())
    written = 0
    for account_id in accounts:
        with suppress(UnknownAccount), house.database.writing() as session:  # closed since: it left with all it had
            lock_account(session, account_id)
            now = house.clock()
            clips = queries.unusable_clips_of(account_id, now)
            lasts = house.settings.release_state_lasts
            written += entomb(session, house.signer, clips, TombstoneReason.EXPIRED, now, lasts).tombstones
    return written


def revoke_release(house: Collaborators, name: str, version: str, reason: str) -> None:
    """Ends a version for good, for a reason that everyone may read, and erases all of it.

    Raises `UnknownRelease`, or `ReleaseWithdrawn` where it was revoked before.
    """
    with house.database.writing() as session:
        found = queries.release_of(session, name, version)
        if found is None:
            raise UnknownRelease
        lock_name(session, name)
        release = queries.locked_release(session, found.id)
        if release is None or release.state is ReleaseState.REVOKED:
            raise ReleaseWithdrawn("This version was revoked before.")
        now = house.clock()
        release.state, release.recut_at = ReleaseState.REVOKED, None
        session.flush()
        if release.published_at is not None:
            release_queries.renew_state(session, house.signer, name, now, house.settings.release_state_lasts)
        content = {"name": name, "version": version, "revision": release.revision, "revoked": True, "reason": reason}
        ledger_queries.append_entry(session, house.signer, EntryKind.RELEASE, content, now)
    empty_version(house, name, version)


def _begin(house: Collaborators, name: str, version: str) -> "_Begun | Recut":
    """Takes the next number, for as long as the lease lasts; or says that there is nothing to do, or nobody left."""
    with house.database.writing() as session:
        release = queries.release_of(session, name, version)
        if release is None:
            raise UnknownRelease
        share_accounts(session, queries.accounts_in(session, release.id))
        release = _locked(session, release)
        now = house.clock()
        frozen = snapshot.of(session, release)
        if release.recut_at is None:
            return Recut(name, version, release.revision, frozen.clips, len(frozen.shards), 0)
        if release.recut_until is not None and release.recut_until > now:
            raise RecutUnderWay
        if frozen.clips == 0:
            release.state, release.recut_at = ReleaseState.REVOKED, None
            session.flush()
            release_queries.renew_state(session, house.signer, name, now, house.settings.release_state_lasts)
            return Recut(name, version, None, 0, 0, 0)
        release.newest_revision += 1
        release.recut_until = now + LEASE
        paths = {shard.path for shard in frozen.shards}
        untouched = queries.files_of(session, release.id, withdrawn=False)
        kept = {path: file for path, file in untouched.items() if path in paths}
        return _Begun(frozen, release.newest_revision, kept)


def _make(house: Collaborators, begun: _Begun, on_progress: Progress, readers: int | None) -> Recut:
    frozen = begun.frozen
    _erase_unnamed(house, begun)
    made = assemble(house, frozen, begun.revision, begun.kept, _renewing(house, begun, on_progress), readers)
    _verify(house, begun, made)
    _renew(house, begun)
    with house.database.writing() as session:
        release = _still_stands(session, house, begun)
        announced = announce.tell_ledger(
            session, house, release, begun.revision, made.manifest_sha256, made.consent_root, house.clock()
        )
    _finish(house, begun, made, announce.put_signature(house, announced))
    _erase_unnamed(house, begun)
    return Recut(
        frozen.name,
        frozen.version,
        begun.revision,
        frozen.clips,
        len(begun.kept),
        len(frozen.shards) - len(begun.kept),
    )


def _finish(house: Collaborators, begun: _Begun, made: Assembled, signature: StoredFile) -> None:
    with house.database.writing() as session:
        release = _still_stands(session, house, begun)
        files = {**made.files, RELEASE_SIGNATURE: signature}
        queries.write_down(session, release, made.manifest_sha256, made.consent_root, files, made.digests)
        release.revision, release.recut_at, release.recut_until = begun.revision, None, None
        session.flush()
        release_queries.renew_state(
            session, house.signer, begun.frozen.name, house.clock(), house.settings.release_state_lasts
        )


def _still_stands(session: Session, house: Collaborators, begun: _Begun) -> Release:
    """The gate: exactly those are in it who may still be published, while withdrawals wait; and no later attempt began.

    Raises `ReleaseWithdrawn`, or `RecutUnderWay`.
    """
    frozen = begun.frozen
    share_accounts(session, queries.accounts_in(session, frozen.release_id))
    release = queries.release_of(session, frozen.name, frozen.version)
    release = _locked(session, release) if release is not None else None
    if release is None:
        raise UnknownRelease
    if release.newest_revision != begun.revision:
        raise RecutUnderWay
    recorded = queries.count_recorded(session, frozen.release_id)
    untouched = queries.files_of(session, frozen.release_id, withdrawn=False)
    if recorded != frozen.clips or not snapshot.stands(session, frozen, house.clock()):
        raise ReleaseWithdrawn(archive.BUILD_AGAIN)
    if any(untouched.get(path) != file for path, file in begun.kept.items()):
        raise ReleaseWithdrawn(archive.BUILD_AGAIN)
    return release


def _locked(session: Session, found: Release) -> Release:
    """The row under its locks, if it is a version that can be cut anew."""
    lock_name(session, found.name)
    release = queries.locked_release(session, found.id)
    if release is None or release.state is ReleaseState.DRAFT:
        raise UnknownRelease
    if release.state is ReleaseState.SUPERSEDED:
        raise ReleaseSuperseded
    if release.state is ReleaseState.REVOKED or release.consent_root is None:
        raise ReleaseWithdrawn
    return release


def _renewing(house: Collaborators, begun: _Begun, on_progress: Progress) -> Callable[[int, int], None]:
    def report(done: int, all_of_them: int) -> None:
        _renew(house, begun)
        on_progress(done, all_of_them)

    return report


def _renew(house: Collaborators, begun: _Begun) -> None:
    with house.database.writing() as session:
        queries.renew_lease(session, begun.frozen.release_id, begun.revision, house.clock() + LEASE)


def _verify(house: Collaborators, begun: _Begun, made: Assembled) -> None:
    """What was made is read back whole; of what stays, which was read back when it was made, the size is looked at.

    Raises `ObjectAbsent` or `ObjectCorrupt`.
    """
    frozen = begun.frozen
    for path, file in made.files.items():
        _renew(house, begun)
        key = object_keys.release_file(frozen.name, frozen.version, file.revision, path)
        if file.revision == begun.revision:
            sound = objects.facts(house.store, key) == file.facts
        else:
            sound = house.store.head(key).size_bytes == file.facts.size_bytes
        if not sound:
            raise ObjectCorrupt(key)


def _erase_unnamed(house: Collaborators, begun: _Begun) -> None:
    """Erases what lies below the version and is no file of it: older attempts, and what a newer revision has replaced.

    Of an older attempt that is under way no file is named yet; but this one's number keeps it from ending.
    """
    frozen = begun.frozen
    prefix = object_keys.release_prefix(frozen.name, frozen.version)
    own = prefix + object_keys.revision_folder(begun.revision)
    with house.database.reading() as session:
        release = queries.release_of(session, frozen.name, frozen.version)
        if release is None or release.newest_revision != begun.revision:
            return
        finished = release.revision == begun.revision
        named = {
            object_keys.release_file(frozen.name, frozen.version, file.revision, path)
            for path, file in queries.files_of(session, frozen.release_id).items()
        }
    for key in [info.key for info in house.store.list(prefix)]:
        made_by = object_keys.revision_of(key.removeprefix(prefix))
        if key not in named and made_by <= begun.revision and (finished or not key.startswith(own)):
            house.store.erase(key)


def _abandon(house: Collaborators, begun: _Begun) -> None:
    """Erases this attempt's own files, and lets others begin."""
    frozen = begun.frozen
    prefix = object_keys.release_prefix(frozen.name, frozen.version) + object_keys.revision_folder(begun.revision)
    with house.database.reading() as session:
        release = queries.release_of(session, frozen.name, frozen.version)
        if release is not None and release.revision == begun.revision:
            return
    for key in [info.key for info in house.store.list(prefix)]:
        house.store.erase(key)
    with house.database.writing() as session:
        queries.renew_lease(session, frozen.release_id, begun.revision, None)
