"""Finds clips of the same recording in another form: fingerprints propose, and a comparison of the audio decides.

Two gates around each batch, as everywhere: what is heard may be heard when its audio is fetched, of both people, and a
pair is written only where both may still be used and are what was heard. Something taken out of a clip gives it another
object: what its old sound told is then written nowhere. A clip is fingerprinted in one commit and compared after it, so
that of two that come at once the later sees the earlier; killed between the two, it is found again as not compared.
Keys and audio live in memory, as long as their batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import structlog
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from numpy.typing import NDArray

from corpus.collaborators import Collaborators
from corpus.errors import AccountKeyError, KeyDestroyed, ObjectAbsent, ObjectCorrupt, StoreError
from corpus.keys import AccountKey, KeyKind
from corpus.queries import share_accounts
from corpus.tables import NearDuplicate
from corpus.words import ClipId, KeyId
from curation import duplicate_queries as queries
from curation import fingerprint, same_recording
from curation.duplicate_queries import Audible
from curation.fingerprint import Fingerprint, Hashes
from curation.same_recording import Likeness

AT_ONCE = 32
"""Clips compared in one batch, whose keys are in memory together."""

BUCKET_MOST = 8
"""Clips that one bucket proposes. A sound that many share tells nothing; a copy shares the rare ones as well."""

CANDIDATES = 12
"""Clips that are compared with a newcomer, those with the most and the rarest hashes in common."""

LONELY_MOST = 3
"""Of those that share one hash alone: nearly all of them do so by chance, and each is a comparison. Without this bound
one of 1,650 copies more comes up, a noisy one, and a crowded database has each newcomer compared with `CANDIDATES`."""

LAG_TICKS = 2
"""Hashes of one pair agree about the lag within 80 ms, which one per cent of speed shifts over 8 s."""

_LAGS_APART = 1 << 17
"""More than any lag, which is of two clips' ticks: 16 bits."""

Samples = NDArray[np.int16]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Same:
    """Two clips that were found to be one recording."""

    one: Audible
    other: Audible
    like: Likeness


def compare_waiting(house: Collaborators) -> int:
    """Compares every clip that was not compared yet, or has no fingerprint of this version; returns how many."""
    after, seen = ClipId(""), 0
    while True:
        with house.database.reading() as session:
            page = queries.to_compare(session, fingerprint.VERSION, house.clock(), after=after, limit=AT_ONCE)
        if not page:
            return seen
        try:
            compare(house, page, {})
        except StoreError as error:  # another pass tries again: what can be decided without is decided now
            log.warning("comparison_postponed", error=type(error).__name__, clips=len(page))
        after, seen = page[-1], seen + len(page)


def compare(house: Collaborators, clip_ids: Sequence[ClipId], heard: Mapping[str, Samples]) -> None:
    """Finds the copies of these clips. `heard` is the audio that is in memory already, by its object's key.

    Raises `StoreError` and `Transient`. What has lost its audio counts as compared: nothing can be found of it.
    """
    if not clip_ids:
        return
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_of_clips(session, clip_ids))
        claimed = queries.audible(session, clip_ids, fingerprint.VERSION, house.clock())
    listening = _Listening(house, dict(heard))
    found = dict[Audible, Fingerprint]()
    for each in claimed:
        samples = listening.to(each)
        if samples is not None:
            found[each] = _fingerprint(each, samples)
    secret = house.master.derive("fingerprint buckets")
    _describe(house, [each for each in claimed if each.fingerprint_id is None], found, secret)
    same = list[_Same]()
    for each, proposed in _proposals(house, found, secret).items():
        own = listening.to(each)
        for other in proposed:
            theirs = listening.once(other)
            like = same_recording.NOTHING_ALIKE if own is None or theirs is None else _likeness(each, own, theirs)
            if like.is_same:
                same.append(_Same(each, other, like))
    _record(house, claimed, same)


def _fingerprint(each: Audible, samples: Samples) -> Fingerprint:
    try:
        return fingerprint.fingerprint(samples)
    except Exception:  # a clip that breaks this stays without copies, and holds up nobody else's
        log.exception("fingerprint_failed", clip=each.clip_id)
        return fingerprint.NONE


def _likeness(each: Audible, own: Samples, theirs: Samples) -> Likeness:
    try:
        return same_recording.compare(same_recording.prepare(own), same_recording.prepare(theirs))
    except Exception:  # the same
        log.exception("comparison_failed", clip=each.clip_id)
        return same_recording.NOTHING_ALIKE


def seal(values: NDArray[np.uint64], secret: bytes) -> NDArray[np.int32]:
    """Hashes as buckets: 32 bits that nobody can tell a sound from, or make from one, without the secret.

    AES of each hash with its version: every block is another message, and a short one, so that no mode is needed.
    """
    blocks = np.zeros((len(values), 2), dtype="<u8")
    blocks[:, 0], blocks[:, 1] = values, fingerprint.VERSION
    encryptor = Cipher(AES(secret), ECB()).encryptor()  # noqa: S305
    sealed = encryptor.update(blocks.tobytes()) + encryptor.finalize()
    return np.frombuffer(sealed, dtype="<i4").reshape(-1, 4)[:, 0]


def _buckets(hashes: Hashes, secret: bytes) -> dict[int, int]:
    """Each bucket's tick."""
    return dict(zip(seal(hashes.values, secret).tolist(), hashes.ticks.tolist(), strict=True))


def ranked(asked: Mapping[int, int], hits: Iterable[tuple[int, int, int]]) -> list[int]:
    """The likeliest fingerprints among hits (bucket, fingerprint, tick), best first; `asked` has each bucket's tick.

    A hit counts the more the fewer share its bucket, and only together with those that agree about the lag. Of the
    fingerprints of which no two hits agree, the first `LONELY_MOST` alone.
    """
    found = np.array(list(hits), np.int64).reshape(-1, 3)
    if not len(found):
        return []
    _, sharing, crowds = np.unique(found[:, 0], return_inverse=True, return_counts=True)
    lags = np.array([asked[bucket] for bucket in found[:, 0].tolist()]) - found[:, 2]
    places = found[:, 1] * _LAGS_APART + lags  # in this order one fingerprint's hits stand together, by their lag
    order = np.argsort(places)
    places, fingerprints = places[order], found[order, 1]
    weights = np.concatenate(([0.0], np.cumsum(1 / crowds[sharing[order]])))
    until = np.searchsorted(places, places + LAG_TICKS, "right")
    each, first = np.unique(fingerprints, return_index=True)
    agreeing = weights[until] - weights[:-1]
    best = np.maximum.reduceat(agreeing, first).round(9)  # a tie is one, however its sum came about
    is_lonely = np.maximum.reduceat(until - np.arange(len(until)), first) == 1
    order = np.lexsort((each, -best))
    worth = ~is_lonely[order] | (np.cumsum(is_lonely[order]) <= LONELY_MOST)
    ranking: list[int] = each[order][worth].tolist()
    return ranking


class _Listening:
    """The audio of one batch, and the keys that opened it."""

    def __init__(self, house: Collaborators, heard: dict[str, Samples]) -> None:
        self.house, self.heard, self.keys = house, heard, dict[KeyId, AccountKey]()

    def to(self, each: Audible) -> Samples | None:
        """A clip's samples, kept for the batch; None where it is lost, or its voice withdrawn."""
        if each.object_key not in self.heard:
            samples = self._fetched(each)
            if samples is None:
                return None
            self.heard[each.object_key] = samples
        return self.heard[each.object_key]

    def once(self, each: Audible) -> Samples | None:
        """The same, but what is not of the batch is not kept."""
        samples = self.heard.get(each.object_key)
        return self._fetched(each) if samples is None else samples

    def _fetched(self, each: Audible) -> Samples | None:
        try:
            if each.voice_key_id not in self.keys:
                key = self.house.keyring.unwrap(each.account_id, each.voice_key_id, KeyKind.VOICE)
                self.keys[each.voice_key_id] = key
            return np.frombuffer(self.house.vault.get(self.keys[each.voice_key_id], each.object_key), dtype="<i2")
        except KeyDestroyed:
            return None  # withdrawn since: its rows go, too
        except (AccountKeyError, ObjectAbsent, ObjectCorrupt) as error:
            log.error("clip_lost", clip=each.clip_id, error=type(error).__name__)
            return None


def _describe(
    house: Collaborators, new: Sequence[Audible], found: Mapping[Audible, Fingerprint], secret: bytes
) -> None:
    """Writes the fingerprints of those that have none, where they may still be used and sound as they did."""
    if not new:
        return
    clip_ids = [each.clip_id for each in new]
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_of_clips(session, clip_ids))
        usable = {each.object_key for each in queries.audible(session, clip_ids, fingerprint.VERSION, house.clock())}
        for each in new:
            if each.object_key in usable:
                buckets = _buckets(found[each].kept, secret) if each in found else {}
                queries.add_fingerprint(session, each.clip_id, fingerprint.VERSION, buckets)


def _proposals(
    house: Collaborators, found: Mapping[Audible, Fingerprint], secret: bytes
) -> dict[Audible, list[Audible]]:
    """For each clip the others to compare it with, which may be heard now; equal PCM needs no comparison."""
    proposed = dict[Audible, list[int]]()
    with house.database.reading() as session:
        for each, prints in found.items():
            asked = _buckets(prints.asked, secret)
            best = ranked(asked, queries.hits(session, list(asked), BUCKET_MOST)) if asked else []
            proposed[each] = best[: 2 * CANDIDATES]  # the clip itself is among them, and its equals
        whose = queries.clips_of_fingerprints(session, {of for some in proposed.values() for of in some})
    with house.database.writing() as session:
        clip_ids = sorted(set(whose.values()))
        share_accounts(session, queries.accounts_of_clips(session, clip_ids))
        audible = {
            each.clip_id: each for each in queries.audible(session, clip_ids, fingerprint.VERSION, house.clock())
        }
    others = {each: [audible[whose[of]] for of in some if whose.get(of) in audible] for each, some in proposed.items()}
    return {
        each: [other for other in some if other.pcm_digest != each.pcm_digest][:CANDIDATES]
        for each, some in others.items()
    }


def _row(same: _Same, now: datetime) -> NearDuplicate:
    first, second = sorted([same.one.clip_id, same.other.clip_id])
    return NearDuplicate(
        clip_id=first,
        other_id=second,
        version=same_recording.VERSION,
        coherence=same.like.coherence,
        overlap_s=same.like.overlap_s,
        speed=same.like.speed,
        at=now,
    )


def _record(house: Collaborators, claimed: Sequence[Audible], same: Sequence[_Same]) -> None:
    """The commit gate: writes the pairs of which both clips may still be used, and sound as they did."""
    clip_ids = {each.clip_id for each in claimed} | {each.other.clip_id for each in same}
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_of_clips(session, clip_ids))
        now = house.clock()
        now_audible = queries.audible(session, sorted(clip_ids), fingerprint.VERSION, now)
        usable = {each.object_key for each in now_audible}
        queries.add_pairs(
            session, [_row(each, now) for each in same if {each.one.object_key, each.other.object_key} <= usable]
        )
        queries.compared(session, [each.clip_id for each in claimed if each.object_key in usable], now)
