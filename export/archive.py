"""Makes one archive of a release: opens its clips a few ahead, and forgets their speakers' keys when it is done."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from corpus.collaborators import Collaborators
from corpus.errors import AccountKeyError, ObjectAbsent, ObjectCorrupt, ReleaseWithdrawn
from corpus.keys import AccountKey, KeyKind
from corpus.sealed import place
from export import queries, snapshot, wav
from export.manifest import ReleasedClip
from export.shards import ShardWriter
from export.snapshot import Shard, Snapshot

BATCH = 8
LOOK_AHEAD = 4
"""Batches in memory beyond the clips in the archive. One clip at a time, threads would mostly wait for one another."""

BUILD_AGAIN = "Someone in this release took their voice back: nothing of it was kept. Build again, as another version."

Item = TypeVar("Item")
Result = TypeVar("Result")


Rows = Sequence[queries.ShardClip]


def shards_with_rows(house: Collaborators, frozen: Snapshot, pool: ThreadPoolExecutor) -> Iterator[tuple[Shard, Rows]]:
    """Every shard with the rows of its clips, asked for a few shards ahead. Raises `ReleaseWithdrawn`.

    What is withdrawn after its rows were read is met again: the key is gone, and the rule is asked before a put.
    """

    def read(shard: Shard) -> tuple[Shard, Rows]:
        with house.database.reading() as session:
            rows = queries.shard_clips(session, frozen.release_id, frozen.snapshot_at, house.clock(), shard.path)
        if len(rows) != shard.clips:
            raise ReleaseWithdrawn(BUILD_AGAIN)
        return shard, rows

    return _ahead(read, frozen.shards, pool)


def make_shard(
    house: Collaborators, frozen: Snapshot, shard: Shard, rows: Rows, pool: ThreadPoolExecutor, writer: ShardWriter
) -> tuple[bytes, list[ReleasedClip]]:
    """The archive's bytes, and its clips in their order. Raises `ReleaseWithdrawn`."""
    clips = []
    with _withdrawn_or_broken(house, frozen, shard):
        for opened in _opened(house, frozen, rows, pool):
            wav_filename = opened.row.wav_filename
            writer.add(wav_filename, opened.header, opened.pcm)
            writer.add(wav_filename.removesuffix(".wav") + ".txt", opened.transcript.encode())
            clips.append(_released(opened, shard))
    return writer.finish(), clips


@dataclass(frozen=True, slots=True)
class _Opened:
    """A clip's plaintext, for the moment between the vault and the archive."""

    row: queries.ShardClip
    header: bytes
    pcm: bytes
    sha256: str
    transcript: str


def _opened(house: Collaborators, frozen: Snapshot, rows: Rows, pool: ThreadPoolExecutor) -> Iterator[_Opened]:
    """In the order of the rows, read ahead by a few; one key a speaker, forgotten with the shard."""
    alphabet = snapshot.alphabet_of(frozen.policy)
    owners = sorted({(row.account_id, row.voice_key_id) for row in rows})
    keys = {owner: house.keyring.unwrap(*owner, KeyKind.VOICE) for owner in owners}

    def read(row: queries.ShardClip) -> _Opened:
        key = keys[row.account_id, row.voice_key_id]
        header, pcm = wav.header(row.samples), house.vault.get(key, row.object_key)
        if len(header) + len(pcm) != wav.size_bytes(row.samples):
            raise ObjectCorrupt(row.object_key)
        digest = sha256(header)
        digest.update(pcm)
        return _Opened(row, header, pcm, digest.hexdigest(), alphabet.normalise(_label(key, row)))

    batches = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
    for batch in _ahead(lambda batch: [read(row) for row in batch], batches, pool):
        yield from batch


def _ahead(read: Callable[[Item], Result], items: Iterable[Item], pool: ThreadPoolExecutor) -> Iterator[Result]:
    """`pool.map`, but never more than `LOOK_AHEAD` results in waiting."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) >= LOOK_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _label(key: AccountKey, row: queries.ShardClip) -> str:
    return key.open(row.transcript, place("labels.transcript", row.clip_id)).decode()


def _released(opened: _Opened, shard: Shard) -> ReleasedClip:
    row = opened.row
    return ReleasedClip(
        wav_filename=row.wav_filename,
        sha256=opened.sha256,
        split=row.split,
        speaker=row.speaker,
        locale=row.locale,
        samples=row.samples,
        shard=shard.path,
        transcript=opened.transcript,
        label_source=row.label_source,
        up_votes=row.up_votes,
        down_votes=row.down_votes,
    )


@contextmanager
def _withdrawn_or_broken(house: Collaborators, frozen: Snapshot, shard: Shard) -> Iterator[None]:
    """A key or a recording that is gone may be a withdrawal's doing, or damage: the rule tells which."""
    try:
        yield
    except (AccountKeyError, ObjectAbsent) as error:
        with house.database.reading() as session:
            if snapshot.stands(session, frozen, house.clock(), shard):
                raise
        raise ReleaseWithdrawn(BUILD_AGAIN) from error
