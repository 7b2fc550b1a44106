"""What the search for duplicates asks of the database. Functions take a session; who opened it commits it.

A clip without an outcome has passed its own stages and waits for the decision over its set: all that hangs together by
equal PCM and by near duplicates. Sets are kept nowhere. Each clip of one with near duplicates remembers its `ties`, how
many copies stood beside it when it was decided: whoever comes or goes changes that number of a neighbour, and each
piece that a set falls into had a neighbour of what went.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    text,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from corpus.queries import usable_clips
from corpus.tables import (
    Account,
    Clip,
    Fingerprint,
    FingerprintBucket,
    Measurement,
    NearDuplicate,
    Release,
    ReleaseClip,
    Utterance,
    Verdict,
)
from corpus.words import AccountId, ClipId, KeyId, Outcome, Purpose
from curation import duplicates
from curation.duplicates import Member
from curation.verdict import DropReason

DECISION_LOCK = 0x64757065
"""The PostgreSQL advisory lock under which duplicates are decided ("dupe")."""

SET_REASONS = (DropReason.DUPLICATE.value, DropReason.SHARED_ACROSS_ACCOUNTS.value)
"""Reasons that depend on other clips, and so may change with them."""

PAGE = 500
"""Ids that one statement names."""


# Clips to compare


@dataclass(frozen=True, slots=True)
class Audible:
    """A clip that may be compared now: where its audio lies, and the key that opens it."""

    clip_id: ClipId
    account_id: AccountId
    voice_key_id: KeyId
    object_key: str
    pcm_digest: str
    fingerprint_id: int | None = None
    """None where it has none of the version asked for."""


def to_compare(session: Session, version: int, now: datetime, *, after: ClipId, limit: int) -> list[ClipId]:
    """Clips, past `after` and in order, that were not compared, or have no fingerprint of this version."""
    return list(
        session.scalars(
            _audible(now)
            .outerjoin(Fingerprint, Fingerprint.clip_id == Clip.id)
            .where(
                Clip.id > after,
                or_(Fingerprint.id.is_(None), Fingerprint.version != version, Fingerprint.compared_at.is_(None)),
            )
            .order_by(Clip.id)
            .limit(limit)
            .with_only_columns(Clip.id)
        )
    )


def audible(session: Session, clip_ids: Sequence[ClipId], version: int, now: datetime) -> list[Audible]:
    """Which of these may be heard and compared now. A gate: the caller shares the accounts first."""
    rows = session.execute(
        _audible(now)
        .outerjoin(Fingerprint, and_(Fingerprint.clip_id == Clip.id, Fingerprint.version == version))
        .where(Clip.id.in_(clip_ids))
        .order_by(Clip.id)
        .with_only_columns(
            Clip.id, Utterance.account_id, Utterance.voice_key_id, Clip.object_key, Clip.pcm_digest, Fingerprint.id
        )
    )
    return [
        Audible(clip_id, account_id, key_id, object_key or "", digest or "", fingerprint_id)
        for clip_id, account_id, key_id, object_key, digest, fingerprint_id in rows
    ]


def accounts_of_clips(session: Session, clip_ids: Iterable[ClipId]) -> set[AccountId]:
    """Whom to lock; whether their voices may be used is asked after that."""
    rows = select(Utterance.account_id).join(Clip, Clip.utterance_id == Utterance.id)
    return set(session.scalars(rows.where(Clip.id.in_(list(clip_ids)))))


def add_fingerprint(session: Session, clip_id: ClipId, version: int, buckets: Mapping[int, int]) -> None:
    """Writes a fingerprint, with the tick of each bucket, in place of an older one. Another worker's stays."""
    forget_fingerprints(session, and_(Fingerprint.clip_id == clip_id, Fingerprint.version != version))
    row = Fingerprint(clip_id=clip_id, version=version)
    with suppress(IntegrityError), session.begin_nested():
        session.add(row)
        session.flush()
        rows = [{"fingerprint_id": row.id, "bucket": bucket, "tick": tick} for bucket, tick in buckets.items()]
        if rows:
            session.execute(insert(FingerprintBucket), rows)


def forget_fingerprints(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(
        delete(FingerprintBucket).where(FingerprintBucket.fingerprint_id.in_(select(Fingerprint.id).where(which)))
    )
    session.execute(delete(Fingerprint).where(which))


def forget_sound(session: Session, clip_id: ClipId) -> None:
    """All that a clip was found by, and the copies that were found of it, for it sounds otherwise now, or not at all.

    Where it still has audio it is compared anew.
    """
    forget_fingerprints(session, Fingerprint.clip_id == clip_id)
    session.execute(
        delete(NearDuplicate).where(or_(NearDuplicate.clip_id == clip_id, NearDuplicate.other_id == clip_id))
    )


def hits(session: Session, buckets: Sequence[int], most: int) -> list[tuple[int, int, int]]:
    """Bucket, fingerprint and tick of what stands in these buckets: of each the first `most`, and no more.

    So however many clips share a sound, an answer is bounded, and so is the time that it takes.
    """
    asked: Any
    if session.get_bind().dialect.name == "postgresql":
        values = bindparam("asked", list(buckets), ARRAY(Integer))
        asked = func.unnest(values).table_valued("value", name="asked_for").render_derived()
    else:
        asked = func.json_each(bindparam("asked", json.dumps(list(buckets)))).table_valued("value", name="asked_for")
    bounding = aliased(FingerprintBucket)
    bound = (
        select(bounding.fingerprint_id)
        .where(bounding.bucket == asked.c.value)
        .order_by(bounding.fingerprint_id)
        .limit(literal(1))
        .offset(literal(most))
        .scalar_subquery()
        .correlate(asked)
    )
    found = (
        select(FingerprintBucket.bucket, FingerprintBucket.fingerprint_id, FingerprintBucket.tick)
        .select_from(asked)
        .join(FingerprintBucket, FingerprintBucket.bucket == asked.c.value)
        .where(FingerprintBucket.fingerprint_id < func.coalesce(bound, literal(2**31 - 1)))
    )
    return [(bucket, fingerprint_id, tick) for bucket, fingerprint_id, tick in session.execute(found)]


def clips_of_fingerprints(session: Session, fingerprint_ids: Iterable[int]) -> dict[int, ClipId]:
    """Whose they are; whether those may be heard is asked by `audible`."""
    rows = session.execute(select(Fingerprint.id, Fingerprint.clip_id).where(Fingerprint.id.in_(list(fingerprint_ids))))
    return {row.id: row.clip_id for row in rows}


def add_pairs(session: Session, pairs: Iterable[NearDuplicate]) -> None:
    """The same pair again is written over."""
    for pair in sorted(pairs, key=lambda each: (each.clip_id, each.other_id)):  # one order, or two workers deadlock
        session.merge(pair)


def compared(session: Session, clip_ids: Sequence[ClipId], now: datetime) -> None:
    """Notes that these have been compared with all that stood when they were fingerprinted."""
    session.execute(update(Fingerprint).where(Fingerprint.clip_id.in_(clip_ids)).values(compared_at=now))


def _audible(now: datetime) -> Select[Clip, Utterance]:
    """Usable, with audio, sealed under the account's living voice key, and decided by its set."""
    return _of_sets(now).join(
        Account, and_(Account.id == Utterance.account_id, Account.voice_key_id == Utterance.voice_key_id)
    )


# Sets to decide


def lock_decisions(session: Session) -> None:
    """One process at a time decides duplicates: two that saw different sets could overwrite each other.

    SQLite needs none: `Database.writing()` holds its one write lock from the start.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": DECISION_LOCK})


def unsettled_digests(session: Session, now: datetime, *, after: str, limit: int) -> list[str]:
    """Digests, past `after` and in order, of which a clip is not decided as its set now asks.

    The clips that count are those that may be used now: a set changes when a clip is added, a pair is found, or a
    voice is withdrawn.
    """
    alone, tied = _unsettled_alone(now, after), _unsettled_tied(now, after)
    digests = union(alone, tied).subquery()
    rows = select(digests.c.pcm_digest).order_by(digests.c.pcm_digest).limit(limit)
    return [digest for digest in session.scalars(rows) if digest is not None]


def _unsettled_alone(now: datetime, after: str) -> Select[str | None]:
    """Of sets that equal PCM alone holds together.

    One is settled when every clip has an outcome and one is kept, or, among several accounts of which none had
    published it before the others came, none.
    """
    open_to_change = select(Clip.pcm_digest).where(
        Clip.pcm_digest > after, or_(Clip.outcome.is_(None), Clip.reason.in_(SET_REASONS))
    )
    each = (
        _of_sets(now)
        .where(Clip.pcm_digest.in_(open_to_change), Clip.pcm_digest.not_in(_digests_with_ties()))
        .with_only_columns(
            Clip.pcm_digest,
            Clip.outcome,
            Utterance.account_id,
            Utterance.received_at,
            _published_at().label("published"),
        )
        .cte("each_clip")
    )
    first = (
        select(
            each.c.pcm_digest,
            func.min(each.c.account_id).label("owner"),
            func.count(each.c.account_id.distinct()).label("owners"),
            func.min(each.c.published).label("published"),
        )
        .where(each.c.published.is_not(None))
        .group_by(each.c.pcm_digest)
        .cte("first_published")
    )
    is_owners = each.c.account_id == first.c.owner
    kept = func.count().filter(each.c.outcome == Outcome.KEPT)
    kept_by_owner = func.count().filter(each.c.outcome == Outcome.KEPT, is_owners)
    came_before = func.count().filter(~is_owners, each.c.received_at < first.c.published)
    people = func.count(each.c.account_id.distinct())
    has_owner = and_(func.max(first.c.owners) == 1, came_before == 0)
    return (
        select(each.c.pcm_digest)
        .outerjoin(first, first.c.pcm_digest == each.c.pcm_digest)
        .group_by(each.c.pcm_digest)
        .having(
            or_(
                func.count().filter(each.c.outcome.is_(None)) > 0,
                and_(people == 1, kept != 1),
                and_(people > 1, has_owner, or_(kept != 1, kept_by_owner != 1)),
                and_(people > 1, not_(func.coalesce(has_owner, false())), kept > 0),
            )
        )
    )


def _unsettled_tied(now: datetime, after: str) -> Select[str | None]:
    """Of sets with near duplicates: a clip waits for its outcome, or has other ties than when it was decided."""
    usable = (
        _of_sets(now)
        .where(Clip.pcm_digest.in_(_digests_with_ties()))
        .with_only_columns(Clip.id, Clip.pcm_digest, Clip.outcome, Clip.ties)
        .cte("tied_clip")
    )
    pairs = _usable_pairs(usable)
    near = select(pairs.c.one, func.count().label("near")).group_by(pairs.c.one).cte("near_count")
    equal = select(usable.c.pcm_digest, func.count().label("equal")).group_by(usable.c.pcm_digest).cte("equal_count")
    ties = func.coalesce(near.c.near, 0) + equal.c.equal - 1
    return (
        select(usable.c.pcm_digest)
        .join(equal, equal.c.pcm_digest == usable.c.pcm_digest)
        .outerjoin(near, near.c.one == usable.c.id)
        .where(usable.c.pcm_digest > after)
        .where(or_(usable.c.outcome.is_(None), ties != func.coalesce(usable.c.ties, 0)))
    )


def _usable_pairs(usable: CTE) -> CTE:
    """Pairs of which both clips may be used, each in both directions."""
    one, other = usable.alias("one"), usable.alias("other")
    both = (
        select(NearDuplicate.clip_id, NearDuplicate.other_id)
        .join(one, one.c.id == NearDuplicate.clip_id)
        .join(other, other.c.id == NearDuplicate.other_id)
        .cte("usable_pair")
    )
    there = select(both.c.clip_id.label("one"), both.c.other_id.label("other"))
    back = select(both.c.other_id.label("one"), both.c.clip_id.label("other"))
    return union_all(there, back).cte("either_way")


def _digests_with_ties() -> Select[str | None]:
    ends = union_all(select(NearDuplicate.clip_id), select(NearDuplicate.other_id)).subquery()
    return select(Clip.pcm_digest).where(
        Clip.pcm_digest.is_not(None), or_(Clip.ties.is_not(None), Clip.id.in_(select(ends.c.clip_id)))
    )


def _published_at() -> ScalarSelect[datetime | None]:
    """When a release that holds the clip of the enclosing query was first published; releases keep what they held."""
    return (
        select(func.min(Release.published_at))
        .join(ReleaseClip, ReleaseClip.release_id == Release.id)
        .where(ReleaseClip.clip_id == Clip.id)
        .correlate(Clip)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """A member of a set, and how it stands so far."""

    member: Member
    outcome: Outcome | None
    reason: str | None
    pcm_digest: str
    ties: int | None


@dataclass(frozen=True, slots=True)
class Copies:
    """Usable clips, and the pairs among them that are near duplicates."""

    members: dict[ClipId, Decided]
    pairs: list[tuple[ClipId, ClipId]]
    tied: frozenset[ClipId]
    """Clips with a near duplicate, be it one that may not be used now."""


def digests_around(session: Session, digests: Sequence[str]) -> list[str]:
    """These, and all that hang together with one of them now, whether or not they may be used."""
    reached, waiting = set(digests), list(digests)
    while waiting:
        page, waiting = waiting[:PAGE], waiting[PAGE:]
        one, other = aliased(Clip), aliased(Clip)
        joined = select(other.pcm_digest).select_from(one)
        pair = NearDuplicate
        there = joined.join(pair, pair.clip_id == one.id).join(other, other.id == pair.other_id)
        back = joined.join(pair, pair.other_id == one.id).join(other, other.id == pair.clip_id)
        found = session.scalars(union(there.where(one.pcm_digest.in_(page)), back.where(one.pcm_digest.in_(page))))
        new = {digest for digest in found if digest is not None} - reached
        reached |= new
        waiting += sorted(new)
    return sorted(reached)


def copies(session: Session, digests: Sequence[str], now: datetime) -> Copies:
    """The usable clips of these digests. A gate: the caller shares the accounts first."""
    members, pairs, tied = dict[ClipId, Decided](), list[tuple[ClipId, ClipId]](), set[ClipId]()
    for start in range(0, len(digests), PAGE):
        page = digests[start : start + PAGE]
        members |= {each.member.clip_id: each for each in _members(session, page, now)}
        ends = select(Clip.id).where(Clip.pcm_digest.in_(page))
        either = or_(NearDuplicate.clip_id.in_(ends), NearDuplicate.other_id.in_(ends))
        for one, other in session.execute(select(NearDuplicate.clip_id, NearDuplicate.other_id).where(either)):
            pairs.append((one, other))
            tied |= {one, other}
    usable = {pair for pair in pairs if pair[0] in members and pair[1] in members}
    return Copies(members, sorted(usable), frozenset(tied))


def _members(session: Session, digests: Sequence[str], now: datetime) -> list[Decided]:
    rows = session.execute(
        _of_sets(now)
        .outerjoin(Measurement, Measurement.clip_id == Clip.id)
        .where(Clip.pcm_digest.in_(digests))
        .order_by(Clip.id)
        .with_only_columns(
            Clip.id,
            Utterance.account_id,
            Utterance.id,
            Utterance.received_at,
            _published_at(),
            Measurement.snr_db,
            Measurement.sounding_s,
            Clip.outcome,
            Clip.reason,
            Clip.pcm_digest,
            Clip.ties,
        )
    )
    found = list[Decided]()
    for clip_id, account_id, utterance_id, received_at, published_at, snr_db, sounding_s, *stands in rows:
        quality = duplicates.quality(snr_db, sounding_s)
        member = Member(clip_id, account_id, utterance_id, received_at, published_at, quality)
        found.append(Decided(member, *stands))
    return found


def accounts_sharing(session: Session, digests: Sequence[str]) -> set[AccountId]:
    """Whom to lock before these sets are decided."""
    rows = select(Utterance.account_id).join(Clip, Clip.utterance_id == Utterance.id)
    found = set[AccountId]()
    for start in range(0, len(digests), PAGE):
        found |= set(session.scalars(rows.where(Clip.pcm_digest.in_(digests[start : start + PAGE]))))
    return found


def settle(session: Session, verdict: Verdict) -> None:
    """Writes the set's verdict, over an earlier one, as the clip's outcome."""
    clip = session.get_one(Clip, verdict.clip_id, populate_existing=True)
    clip.outcome, clip.reason, clip.ended_at = verdict.outcome, verdict.reason, verdict.at
    session.merge(verdict)


def tie(session: Session, clip_id: ClipId, ties: int | None) -> None:
    """Notes how many copies stood beside the clip when its set was decided."""
    session.flush()
    session.execute(update(Clip).where(Clip.id == clip_id).values(ties=ties))


def _of_sets(now: datetime) -> Select[Clip, Utterance]:
    decided_by_the_set = or_(Clip.outcome.is_(None), Clip.outcome == Outcome.KEPT, Clip.reason.in_(SET_REASONS))
    return usable_clips(Purpose.COLLECT, now).where(Clip.pcm_digest.is_not(None), decided_by_the_set)
