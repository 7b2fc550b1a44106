"""Makes one archive of a release: opens its clips in their places, and forgets their speakers' keys when it is done."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import TypeVar

from corpus.collaborators import Collaborators
from corpus.errors import AccountKeyError, ObjectAbsent, ReleaseWithdrawn
from corpus.keys import AccountKey, KeyKind
from corpus.sealed import place
from corpus.words import AccountId, ClipId
from export import consents, disguise, queries, shards, snapshot, wav
from export.manifest import ReleasedClip
from export.snapshot import Shard, Snapshot

BATCH = 32
"""Clips that a reader opens in one go. One clip at a time, threads would mostly wait for one another."""

LOOK_AHEAD = 4
"""Shards whose rows are in memory before their turn."""

CONFIDENCE_DIGITS = 3

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


@dataclass(frozen=True, slots=True)
class Member:
    """A clip of an archive: as it is released, whose it is, and the salt of its proof of consent."""

    clip_id: ClipId
    account_id: AccountId
    clip: ReleasedClip
    consent_salt: str


def make_shard(
    house: Collaborators,
    frozen: Snapshot,
    shard: Shard,
    rows: Rows,
    pool: ThreadPoolExecutor,
    memory: shards.Memory,
) -> tuple[memoryview, list[Member]]:
    """The archive's bytes, and its clips in their order. Raises `ReleaseWithdrawn`."""
    with _withdrawn_or_broken(house, frozen, shard):
        opened = _opened(house, frozen, rows)
        archive = _laid_out(opened, memory)
        placed = list(zip(opened, archive.rooms[::2], strict=True))
        batches = (placed[start : start + BATCH] for start in range(0, len(placed), BATCH))
        digests = chain.from_iterable(pool.map(lambda batch: [_fill(house, frozen, *clip) for clip in batch], batches))
        return archive.content, [
            _member(clip, digest, frozen, shard) for clip, digest in zip(opened, digests, strict=True)
        ]


def read_shard(house: Collaborators, frozen: Snapshot, shard: Shard, rows: Rows) -> list[Member]:
    """The clips of an archive that stays as it is, told from their rows: no recording is opened.

    Raises `ReleaseWithdrawn`.
    """
    with _withdrawn_or_broken(house, frozen, shard):
        return [_member(clip, clip.row.wav_sha256 or "", frozen, shard) for clip in _opened(house, frozen, rows)]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A clip, its speaker's key, and its label."""

    row: queries.ShardClip
    key: AccountKey
    transcript: str


def _opened(house: Collaborators, frozen: Snapshot, rows: Rows) -> list[_Opened]:
    """The clips in the order of the rows; one key a speaker, forgotten with them."""
    alphabet = snapshot.alphabet_of(frozen.policy)
    owners = sorted({(row.account_id, row.voice_key_id) for row in rows})
    keys_of = {owner: house.keyring.unwrap(*owner, KeyKind.VOICE) for owner in owners}
    keys = [keys_of[row.account_id, row.voice_key_id] for row in rows]
    return [_Opened(row, key, alphabet.normalise(_label(key, row))) for row, key in zip(rows, keys, strict=True)]


def _laid_out(opened: Sequence[_Opened], memory: shards.Memory) -> shards.LaidOut:
    """The archive with its texts, and room for its recordings: each before its text."""
    files = []
    for clip in opened:
        files.append((clip.row.wav_filename, wav.size_bytes(clip.row.samples)))
        files.append((clip.row.wav_filename.removesuffix(".wav") + ".txt", len(clip.transcript.encode())))
    archive = shards.lay_out(files, memory)
    for clip, room in zip(opened, archive.rooms[1::2], strict=True):
        room[:] = clip.transcript.encode()
    return archive


def _fill(house: Collaborators, frozen: Snapshot, clip: _Opened, room: memoryview) -> str:
    """Writes a clip's WAV file into its place, disguised where the policy asks for it; returns its SHA-256."""
    room[: wav.HEADER_BYTES] = wav.header(clip.row.samples)
    house.vault.get_into(room[wav.HEADER_BYTES :], clip.key, clip.row.object_key)
    if asked := frozen.policy.disguise:
        drawn_from = disguise.alpha_message(asked, frozen.name, frozen.version, clip.row.speaker, clip.row.wav_filename)
        alpha = disguise.drawn(asked, clip.key.digest(disguise.ALPHA_LABEL, drawn_from))
        disguise.disguise_in_place(room[wav.HEADER_BYTES :], alpha)
    return sha256(room).hexdigest()


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


def _member(clip: _Opened, digest: str, frozen: Snapshot, shard: Shard) -> Member:
    row = clip.row
    salted = consents.salt_message(frozen.name, frozen.version, row.wav_filename)
    released = ReleasedClip(
        wav_filename=row.wav_filename,
        sha256=digest,
        split=row.split,
        speaker=row.speaker,
        locale=row.locale,
        samples=row.samples,
        shard=shard.path,
        transcript=clip.transcript,
        label_source=row.label_source,
        up_votes=row.up_votes,
        down_votes=row.down_votes,
        confidence=None if row.confidence is None else round(row.confidence, CONFIDENCE_DIGITS),
    )
    return Member(row.clip_id, row.account_id, released, clip.key.digest(consents.SALT_LABEL, salted))


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
