"""Builds a release: takes its snapshot, or resumes it, and puts every byte that derives from it into the store.

Each shard is put only after asking the rule again, and the whole only counts once a last transaction has asked it under
the accounts' locks. If someone withdraws in between, what was put is erased, the draft forgotten, and one builds again.
A build that was killed is resumed by building the same version again.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed_version

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import BadRequest, ReleaseExists, ReleaseWithdrawn
from corpus.object_store import erase_below
from corpus.queries import share_accounts
from corpus.words import ReleaseState, Split
from export import archive, datasheet, manifest, objects, queries, snapshot, wav
from export.counts import Counted, ReleaseWarning, count, warnings
from export.manifest import ReleasedClip
from export.policy import Policy
from export.release_file import RELEASE_JSON, SHA256SUMS, FileFacts, ReleaseFile, format_release, format_sums
from export.snapshot import Shard, Snapshot

READERS = 2
"""Threads that open clips. On two cores four took 1.4 s for 325 MB where two took 1.2: they wait for one another."""

PUBLISHED = frozenset({ReleaseState.CURRENT, ReleaseState.SUPERSEDED})

PUTS_AT_ONCE = 2
"""Shards on their way to the store at one time: one may wait for the disk while the other is hashed."""

Progress = Callable[[int, int], None]
"""Called with the clips done and all clips."""


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
    readers: int = READERS,
) -> ReleaseSummary:
    """Makes a draft. A draft of the same policy is resumed from its snapshot.

    Raises `NothingToRelease`, `ReleaseExists` (published, or a draft of another policy) or `ReleaseWithdrawn`.
    """
    if not (object_keys.is_release_word(name) and object_keys.is_release_word(version)):
        raise BadRequest("A release's name and version are lower case letters, digits, dots, dashes and underscores.")
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


def _build(house: Collaborators, frozen: Snapshot, on_progress: Progress, readers: int) -> ReleaseSummary:
    with ThreadPoolExecutor(PUTS_AT_ONCE) as putters:
        clips, under_way = _make_shards(house, frozen, on_progress, readers, putters)
        # Written while the last shards are on their way, and put once all of them stand.
        described = _described(frozen, clips)
        texts = {**_manifests(frozen, clips), **datasheet.papers(described)}
        files = {path: put.result() for path, put in under_way.items()}
        put = putters.map(lambda path: _put(house, frozen, path, texts[path].encode()), texts)
        files |= zip(texts, put, strict=True)
    release_json = format_release(
        ReleaseFile(
            name=frozen.name,
            version=frozen.version,
            snapshot_at=frozen.snapshot_at,
            generator=described.generator,
            policy=frozen.policy,
            counts=described.counts,
            left_out=frozen.left_out,
            warnings=described.warnings,
            files=files,
        )
    )
    files[RELEASE_JSON] = _put(house, frozen, RELEASE_JSON, release_json.encode())
    _put(house, frozen, SHA256SUMS, format_sums(files).encode())
    _finish(house, frozen, files[RELEASE_JSON].sha256)
    return ReleaseSummary(
        name=frozen.name,
        version=frozen.version,
        dry_run=False,
        snapshot_at=frozen.snapshot_at,
        counts=described.counts,
        left_out=frozen.left_out,
        warnings=described.warnings,
        shards=len(frozen.shards),
        size_bytes=sum(facts.size_bytes for facts in files.values()),
        manifest_sha256=files[RELEASE_JSON].sha256,
    )


def _described(frozen: Snapshot, clips: Sequence[ReleasedClip]) -> datasheet.Subject:
    counted = count((clip.split, clip.speaker, clip.samples) for clip in clips)
    return datasheet.Subject(
        name=frozen.name,
        version=frozen.version,
        snapshot_at=frozen.snapshot_at,
        generator=f"loanword {installed_version('loanword')}",
        policy=frozen.policy,
        counts=counted,
        left_out=frozen.left_out,
        warnings=warnings(counted, frozen.policy),
    )


def _manifests(frozen: Snapshot, clips: Sequence[ReleasedClip]) -> dict[str, str]:
    csvs = {
        f"{split}.csv": manifest.format_csv(manifest.csv_rows(clip for clip in clips if clip.split is split))
        for split in Split
    }
    ordered = sorted(clips, key=lambda clip: clip.wav_filename)
    return {
        **csvs,
        "alphabet.txt": snapshot.alphabet_of(frozen.policy).as_file(),
        "clips.jsonl": "".join(map(manifest.format_clip, ordered)),
    }


def _make_shards(
    house: Collaborators, frozen: Snapshot, on_progress: Progress, readers: int, putters: ThreadPoolExecutor
) -> tuple[list[ReleasedClip], dict[str, Future[FileFacts]]]:
    """Makes a shard while those before it are put: `PUTS_AT_ONCE` and one more are in memory, and never more.

    The last ones are still on their way when it returns.
    """
    clips: list[ReleasedClip] = []
    under_way: dict[str, Future[FileFacts]] = {}
    latest: deque[Future[FileFacts]] = deque()
    with ThreadPoolExecutor(readers) as pool:
        for shard, rows in archive.shards_with_rows(house, frozen, pool):
            content, of_shard = archive.make_shard(house, frozen, shard, rows, pool)
            if len(latest) == PUTS_AT_ONCE:
                latest.popleft().result()
            under_way[shard.path] = putters.submit(_put_shard, house, frozen, shard, content)
            latest.append(under_way[shard.path])
            del content
            clips += of_shard
            on_progress(len(clips), frozen.clips)
    return clips, under_way


def _put_shard(house: Collaborators, frozen: Snapshot, shard: Shard, content: memoryview) -> FileFacts:
    """Asked before, so that a withdrawn voice is not put, and after, for one withdrawn while it was being put."""
    _check_stands(house, frozen, shard)
    facts = _put(house, frozen, shard.path, content)
    _check_stands(house, frozen, shard)
    return facts


def _check_stands(house: Collaborators, frozen: Snapshot, shard: Shard) -> None:
    with house.database.reading() as session:
        if not snapshot.stands(session, frozen, house.clock(), shard):
            raise ReleaseWithdrawn(archive.BUILD_AGAIN)


def _put(house: Collaborators, frozen: Snapshot, path: str, content: bytes | memoryview) -> FileFacts:
    return objects.put(house.store, object_keys.release_prefix(frozen.name, frozen.version) + path, content)


def _finish(house: Collaborators, frozen: Snapshot, manifest_sha256: str) -> None:
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
        release.manifest_sha256 = manifest_sha256
