"""The snapshot of a release: who is in it, under which names, in which split and shard, frozen in one transaction.

Every byte of a release derives from these rows, the policy beside them and the sealed clips, and from no clock, chance
or order. Labels are opened and judged before the transaction; in it the accounts are locked, the rule is asked again,
and only what could be published both times is written down.
"""

import hmac
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from corpus.alphabet import Alphabet, alphabet_for
from corpus.collaborators import Collaborators
from corpus.errors import BadPolicy, KeyDestroyed, NothingToRelease, ReleaseExists
from corpus.keys import KeyKind, MasterKey
from corpus.queries import share_accounts
from corpus.release_queries import lock_name
from corpus.sealed import place
from corpus.tables import Release
from corpus.words import AccountId, ClipId, ReleaseId, ReleaseState, Split, new_id
from export import counts, manifest, queries, shards, splits
from export import policy as policies
from export.manifest import LeftOut
from export.policy import Policy

NAME_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Shard:
    """One archive to build: `path` is relative to the release."""

    path: str
    split: Split
    clips: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a build works from."""

    release_id: ReleaseId
    name: str
    version: str
    policy: Policy
    snapshot_at: datetime
    left_out: Mapping[str, int]
    shards: Sequence[Shard]

    @property
    def clips(self) -> int:
        return sum(shard.clips for shard in self.shards)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would stand where."""

    rows: Sequence[Mapping[str, object]]
    new_assignments: Mapping[AccountId, Split]
    left_out: Mapping[str, int]
    counts: Mapping[Split, counts.Counted]
    snapshot_at: datetime


@dataclass(frozen=True, slots=True)
class _Candidate:
    clip_id: ClipId
    account_id: AccountId
    samples: int
    transcript_size_bytes: int


def alphabet_of(policy: Policy) -> Alphabet:
    """Raises `BadPolicy` for a language that has none yet."""
    alphabet = alphabet_for(policy.locale)
    if alphabet is None:
        raise BadPolicy(f"locale: there is no alphabet for {policy.locale} yet.")
    return alphabet


def plan_release(house: Collaborators, name: str, version: str, policy: Policy) -> Plan:
    """What a snapshot taken now would hold; writes nothing. Raises `NothingToRelease`."""
    candidates, left_out = _judged(house, policy)
    with house.database.reading() as session:
        return _plan(session, house, name, version, policy, candidates, left_out)


def take(house: Collaborators, name: str, version: str, policy: Policy) -> Snapshot:
    """Freezes a new draft. Raises `NothingToRelease`, or `ReleaseExists` where another builder was quicker."""
    candidates, left_out = _judged(house, policy)
    with house.database.writing() as session:
        share_accounts(session, {candidate.account_id for candidate in candidates})
        lock_name(session, name)
        if queries.release_of(session, name, version) is not None:
            raise ReleaseExists
        plan = _plan(session, house, name, version, policy, candidates, left_out)
        release = Release(
            id=ReleaseId(new_id()),
            name=name,
            version=version,
            state=ReleaseState.DRAFT,
            policy=policy.as_json(),
            left_out=json.dumps(plan.left_out, sort_keys=True),
            snapshot_at=plan.snapshot_at,
        )
        session.add(release)
        session.flush()
        queries.add_release_clips(session, [{"release_id": release.id, **row} for row in plan.rows])
        queries.add_split_assignments(session, name, plan.new_assignments)
        return of(session, release)


def of(session: Session, release: Release) -> Snapshot:
    """The snapshot that a release row tells of."""
    return Snapshot(
        release_id=release.id,
        name=release.name,
        version=release.version,
        policy=policies.from_json(release.policy),
        snapshot_at=release.snapshot_at,
        left_out=json.loads(release.left_out),
        shards=[Shard(*row) for row in queries.shards_of(session, release.id)],
    )


def stands(session: Session, snapshot: Snapshot, now: datetime, shard: Shard | None = None) -> bool:
    """Whether every clip of the snapshot, or of one shard, may still be published. Locks nothing."""
    path, expected = (shard.path, shard.clips) if shard else (None, snapshot.clips)
    return queries.count_standing(session, snapshot.release_id, snapshot.snapshot_at, now, path) == expected


def _judged(house: Collaborators, policy: Policy) -> tuple[list[_Candidate], Counter[str]]:
    """The clips that pass the policy, and how many do not, by reason."""
    alphabet = alphabet_of(policy)
    candidates, left_out = [], Counter[str]()
    for clip, text in _labels(house):
        transcript = manifest.judge(text, clip.samples, clip.locale, policy, alphabet)
        if isinstance(transcript, LeftOut):
            left_out[transcript.value] += 1
        else:
            size_bytes = len(transcript.encode())
            candidates.append(_Candidate(clip.clip_id, clip.account_id, clip.samples, size_bytes))
    return candidates, left_out


def _labels(house: Collaborators) -> Iterator[tuple[queries.LabelledClip, str]]:
    """Every clip that may be published, with its opened label; a voice withdrawn meanwhile is passed over."""
    after: tuple[AccountId, ClipId] | None = None
    while True:
        with house.database.reading() as session:
            page = queries.releasable_clips(session, house.clock(), after)
        if not page:
            return
        after = page[-1].account_id, page[-1].clip_id
        for (account_id, key_id), group in groupby(page, key=lambda clip: (clip.account_id, clip.voice_key_id)):
            try:
                key = house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)
            except KeyDestroyed:
                continue
            for clip in group:
                yield clip, key.open(clip.transcript, place("labels.transcript", clip.clip_id)).decode()


def _plan(
    session: Session,
    house: Collaborators,
    name: str,
    version: str,
    policy: Policy,
    candidates: Sequence[_Candidate],
    left_out: Mapping[str, int],
) -> Plan:
    now = house.clock()
    releasable = queries.releasable_ids(session, now)
    chosen = [candidate for candidate in candidates if candidate.clip_id in releasable]
    if not chosen:
        raise NothingToRelease
    assigned = queries.assigned_splits(session, name)
    split_of = splits.assign(
        {candidate.account_id for candidate in chosen},
        assigned,
        key=house.master.derive(f"release splits/{policy.seed}"),
        shares=policy.shares,
        min_speakers=policy.min_speakers,
    )
    rows = _rows(chosen, split_of, _Pseudonyms.of(house.master, name, version), policy.shard_max_bytes)
    return Plan(
        rows=rows,
        new_assignments={account: split for account, split in split_of.items() if account not in assigned},
        left_out=dict(left_out),
        counts=counts.count((split_of[clip.account_id], clip.account_id, clip.samples) for clip in chosen),
        snapshot_at=now,
    )


def _rows(
    chosen: Sequence[_Candidate],
    split_of: Mapping[AccountId, Split],
    pseudonyms: "_Pseudonyms",
    shard_max_bytes: int,
) -> list[Mapping[str, object]]:
    clip_of: dict[str, ClipId] = {}
    speaker_of = {account_id: pseudonyms.speaker(account_id) for account_id in split_of}
    members: dict[Split, list[shards.Member]] = {split: [] for split in Split}
    for clip in chosen:
        wav_filename = pseudonyms.wav_filename(clip.clip_id)
        clip_of[wav_filename] = clip.clip_id
        speaker = speaker_of[clip.account_id]
        member = shards.Member(speaker, wav_filename, clip.samples, clip.transcript_size_bytes)
        members[split_of[clip.account_id]].append(member)
    return [
        {
            "clip_id": clip_of[member.wav_filename],
            "wav_filename": member.wav_filename,
            "speaker": member.speaker,
            "split": split,
            "shard": shard,
        }
        for split in Split
        for member, shard in shards.plan(split, members[split], shard_max_bytes)
    ]


@dataclass(frozen=True, slots=True, repr=False)
class _Pseudonyms:
    """Names that one version of one release gives, under keys that no other version has."""

    speakers: bytes
    clips: bytes

    @classmethod
    def of(cls, master: MasterKey, name: str, version: str) -> "_Pseudonyms":
        label = f"release names/{name}/{version}"
        return cls(master.derive(f"{label}/speakers"), master.derive(f"{label}/clips"))

    def speaker(self, account_id: AccountId) -> str:
        return _digits(self.speakers, account_id)

    def wav_filename(self, clip_id: ClipId) -> str:
        digits = _digits(self.clips, clip_id)
        return f"clips/{digits[:2]}/{digits}.wav"


def _digits(key: bytes, message: str) -> str:
    return hmac.digest(key, message.encode(), "sha256").hex()[:NAME_DIGITS]
