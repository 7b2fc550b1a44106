"""Builds a release: takes its snapshot, or resumes it, and puts every byte that derives from it into the store.

Each shard is put only after asking the rule again, and the whole only counts once a last transaction has asked it under
the accounts' locks. If someone withdraws in between, what was put is erased, the draft forgotten, and one builds again.
A build that was killed is resumed by building the same version again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import BadRequest, ReleaseExists, ReleaseWithdrawn
from corpus.object_store import erase_below
from corpus.queries import share_accounts
from corpus.words import ReleaseState, Split
from export import archive, assemble, queries, snapshot, wav
from export.assemble import Assembled, Progress
from export.counts import Counted, ReleaseWarning, warnings
from export.policy import Policy
from export.snapshot import Snapshot

PUBLISHED = frozenset({ReleaseState.CURRENT, ReleaseState.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSummary:
    """What a build made, or a dry run would make; `manifest_sha256` is release.json's, and None in a dry run."""

    name: str
    version: str
    dry_run: bool
    snapshot_at: datetime
    counts: Mapping[Split, Counted]
    left_out: Mapping[str, int]
    warnings: Sequence[ReleaseWarning]
    shards: int
    size_bytes: int
    manifest_sha256: str | None


def build_release(
    house: Collaborators,
    name: str,
    version: str,
    policy: Policy,
    *,
    dry_run: bool = False,
    on_progress: Progress = lambda _done, _all: None,
    readers: int | None = None,
) -> ReleaseSummary:
    """Makes a draft. A draft of the same policy is resumed from its snapshot.

    Raises `NothingToRelease`, `ReleaseExists` (published, or a draft of another policy) or `ReleaseWithdrawn`.
    """
    if not (object_keys.is_release_word(name) and object_keys.is_release_version(version)):
        raise BadRequest(
            "A release's name and version are lower case letters, digits, dots, dashes and underscores; "
            "no version is called `state`, `tombstones`, or `r` and a number."
        )
    snapshot.alphabet_of(policy)
    draft = _draft(house, name, version, policy, dry_run)
    if dry_run:
        return _planned(house, name, version, policy)
    frozen = draft or snapshot.take(house, name, version, policy)
    try:
        return _build(house, frozen, on_progress, readers)
    except ReleaseWithdrawn:
        discard(house, frozen)
        raise


def discard(house: Collaborators, frozen: Snapshot) -> None:
    """Erases all of a version that was never published, then forgets it (a revoked one stays revoked).

    Another builder may have finished the same draft meanwhile, and somebody published it: that one is let be.
    """
    with house.database.reading() as session:
        release = queries.release_of(session, frozen.name, frozen.version)
        if release is not None and release.state in PUBLISHED:
            return
    erase_below(house.store, object_keys.release_prefix(frozen.name, frozen.version))
    with house.database.writing() as session:
        queries.forget_release(session, frozen.release_id)


def _draft(house: Collaborators, name: str, version: str, policy: Policy, dry_run: bool) -> Snapshot | None:
    """The snapshot to resume. One in which someone has withdrawn since is discarded first."""
    with house.database.reading() as session:
        release = queries.release_of(session, name, version)
        if release is None:
            return None
        if release.published_at is not None:
            raise ReleaseExists
        if release.state is ReleaseState.REVOKED:
            raise ReleaseWithdrawn(archive.BUILD_AGAIN)
        frozen = snapshot.of(session, release)
        stands = snapshot.stands(session, frozen, house.clock())
    if not stands:
        if not dry_run:
            discard(house, frozen)
        return None
    if frozen.policy != policy:
        raise ReleaseExists("There is a draft of this version under another policy: choose another version.")
    return frozen


def _planned(house: Collaborators, name: str, version: str, policy: Policy) -> ReleaseSummary:
    plan = snapshot.plan_release(house, name, version, policy)
    return ReleaseSummary(
        name=name,
        version=version,
        dry_run=True,
        snapshot_at=plan.snapshot_at,
        counts=plan.counts,
        left_out=plan.left_out,
        warnings=warnings(plan.counts, policy),
        shards=len({row["shard"] for row in plan.rows}),
        size_bytes=sum(wav.size_bytes(counted.samples) for counted in plan.counts.values()),
        manifest_sha256=None,
    )


def _build(house: Collaborators, frozen: Snapshot, on_progress: Progress, readers: int | None) -> ReleaseSummary:
    made = assemble.assemble(house, frozen, 1, {}, on_progress, readers)
    _finish(house, frozen, made)
    return ReleaseSummary(
        name=frozen.name,
        version=frozen.version,
        dry_run=False,
        snapshot_at=frozen.snapshot_at,
        counts=made.counts,
        left_out=frozen.left_out,
        warnings=warnings(made.counts, frozen.policy),
        shards=len(frozen.shards),
        size_bytes=made.size_bytes,
        manifest_sha256=made.manifest_sha256,
    )


def _finish(house: Collaborators, frozen: Snapshot, made: Assembled) -> None:
    """The gate: the draft is built if everyone in it may still be published while withdrawals wait."""
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_in(session, frozen.release_id))
        release = queries.locked_release(session, frozen.release_id)
        now = house.clock()
        if release is not None and release.state in PUBLISHED:
            raise ReleaseExists("Another build of this version was published while this one ran.")
        if release is None or release.state is not ReleaseState.DRAFT or not snapshot.stands(session, frozen, now):
            raise ReleaseWithdrawn(archive.BUILD_AGAIN)
        release.built_at = release.built_at or now
        queries.write_down(session, release, made.manifest_sha256, made.consent_root, made.files, made.digests)
