"""Deletes recordings for good: one, several or all, with all of the same sound, wherever they went.

Rows go in the deleting commit, under the account's lock, and releases lose the clips there; the objects are written
down, and removed after that. A retry of a deleted upload is told to drop it. The journal knows before anybody is
answered.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from corpus import erasure_queries
from corpus.collaborators import Collaborators
from corpus.errors import NotFound
from corpus.queries import lock_account
from corpus.release_queries import clips_of_account, clips_of_utterances
from corpus.words import AccountId, ErasureKind, KeyId, UtteranceId
from ingest.erasures import entries, queries
from ingest.erasures.begin import Stopwatch, before_the_answer, begin
from ingest.erasures.certificates import address
from ingest.erasures.queries import Begun
from ingest.erasures.record import Reason


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went. `certificate` is the address of the proof, and of how far it is until then."""

    recordings: int
    same_sound: int
    """Of these, how many were not named, and are the same sound as one that was."""
    certificate: str | None


def delete_recordings(
    house: Collaborators, account_id: AccountId, utterance_ids: Collection[UtteranceId] | None = None
) -> Deleted:
    """Those, or all. Raises `NotFound` where none of them is the account's, and `StoreUnavailable`: then ask again."""
    stopwatch = Stopwatch()

    def commit(session: Session) -> Begun | None:
        voice_key_id = lock_account(session, account_id).voice_key_id
        wanted = queries.recordings_of(session, account_id) if utterance_ids is None else utterance_ids
        gone = queries.with_same_sound(session, account_id, wanted)
        same_sound = len(set(gone) - set(wanted))
        if not gone:
            return None
        return remove(
            session,
            house,
            account_id,
            gone,
            Reason.DELETED,
            voice_key_id,
            same_sound=same_sound,
            everything=utterance_ids is None,
        )

    begun = house.database.write(commit)
    if begun is None and utterance_ids is not None:
        before_the_answer(house, account_id, None, 0)  # what an earlier try could not reach
        raise NotFound
    before_the_answer(house, account_id, begun.id if begun else None, stopwatch.took_ms())
    if begun is None:
        return Deleted(0, 0, None)
    return Deleted(begun.counts.recordings, begun.counts.same_sound, address(house, begun.id))


def remove(
    session: Session,
    house: Collaborators,
    account_id: AccountId,
    utterance_ids: list[UtteranceId],
    reason: Reason,
    voice_key_id: KeyId | None,
    *,
    same_sound: int = 0,
    everything: bool = False,
    replayed: Begun | None = None,
) -> Begun:
    """The deletion's commit, whole. The caller holds the account's lock, and every recording is that account's.

    With `everything` they are all of the account's: a statement cannot name tens of thousands one by one.
    """
    begun = begin(
        session,
        house,
        account_id,
        ErasureKind.RECORDINGS,
        reason,
        clips=clips_of_account(account_id) if everything else clips_of_utterances(utterance_ids),
        voice_key_id=voice_key_id,
        erasure_id=replayed.id if replayed else None,
    )
    rows = 0
    for which in erasure_queries.named(utterance_ids):
        queries.doom_objects(session, begun.id, which)
        queries.leave_husks(session, which)
        rows += erasure_queries.delete_recordings(session, which)
    digests = () if begun.journaled_at else tuple(entries.recording_digest(house, each) for each in utterance_ids)
    counts = replace(
        begun.counts.plus(recordings=len(utterance_ids), rows=rows), same_sound=same_sound, digests=digests
    )
    queries.note(session, begun.id, counts=counts)
    return replace(begun, counts=counts)
