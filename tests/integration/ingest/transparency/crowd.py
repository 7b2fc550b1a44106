"""A crowd with a past, for the numbers page: people who lend, people who left, releases, copies."""

from datetime import timedelta

from corpus.collaborators import Collaborators
from corpus.tables import Erasure, Release, ReleaseClip, ReleasePull, Tombstone
from corpus.words import AccountId, ErasureKind, Purpose, ReleaseId, ReleaseState, Role, Split, new_id
from ingest.erasures.record import Counts, Reason
from tests.factories import make_account, make_clip, make_lender, opt_in, tone, withdraw_consent

ONE_SECOND = tone(duration_s=1.0)


def lend(house: Collaborators, people: int, *, seconds_each: int = 1, released: bool = False) -> None:
    """Each with one clip; in a current release and in a superseded one besides, where asked."""
    release_ids = [add_release(house, version, state) for version, state in VERSIONS] if released else []
    for person in range(people):
        clip_id = make_clip(house, make_lender(house), pcm=ONE_SECOND * seconds_each)
        with house.database.writing() as session:
            session.add_all(
                ReleaseClip(
                    release_id=release_id,
                    clip_id=clip_id,
                    wav_filename=f"clips/{person}.wav",
                    speaker=f"s{person}",
                    split=Split.TRAIN,
                    shard="train-00000.tar",
                )
                for release_id in release_ids
            )


VERSIONS = (("1", ReleaseState.SUPERSEDED), ("2", ReleaseState.CURRENT))


def add_release(house: Collaborators, version: str, state: ReleaseState, *, revision: int = 1) -> ReleaseId:
    release_id, published_at = ReleaseId(new_id()), None if state is ReleaseState.DRAFT else house.clock()
    with house.database.writing() as session:
        session.add(
            Release(
                id=release_id,
                name="voices",
                version=version,
                state=state,
                policy="{}",
                snapshot_at=house.clock(),
                published_at=published_at,
                revision=revision,
            )
        )
    return release_id


def leave(house: Collaborators, people: int, *, closing: int = 0) -> None:
    """Each stopped after some milliseconds, and was erased after some seconds."""
    for number in range(1, people + 1):
        account_id = make_account(house)
        opt_in(house, account_id, purposes=[Purpose.COLLECT])
        withdraw_consent(house, account_id, Purpose.COLLECT)
        if number <= closing:
            add_erasure(house, None, kind=ErasureKind.ACCOUNT, reason=Reason.CLOSED, number=number)
        else:
            add_erasure(house, account_id, number=number)


def add_erasure(
    house: Collaborators,
    account_id: AccountId | None,
    *,
    kind: ErasureKind = ErasureKind.VOICE,
    reason: Reason = Reason.WITHDRAWN,
    number: int = 1,
) -> None:
    with house.database.writing() as session:
        session.add(
            Erasure(
                id=new_id(),
                kind=kind,
                account_id=account_id,
                requested_at=house.clock(),
                stop_took_ms=10 * number,
                erased_at=house.clock() + timedelta(seconds=number),
                counts=Counts(reason).as_json(),
            )
        )


def pull(house: Collaborators, version: str, acknowledged_serial: int | None) -> None:
    account_id = make_account(house, role=Role.ENGINEER)
    with house.database.writing() as session:
        session.add(
            ReleasePull(
                account_id=account_id,
                name="voices",
                version=version,
                revision=1,
                first_at=house.clock(),
                last_at=house.clock(),
                acknowledged_serial=acknowledged_serial,
            )
        )


def entomb(house: Collaborators, version: str, *, clips: int, serial: int) -> None:
    with house.database.writing() as session:
        session.add_all(
            Tombstone(
                release_name="voices",
                version=version,
                revision=1,
                wav_filename=f"clips/{serial}-{number}.wav",
                wav_sha256="0" * 64,
                at=house.clock(),
                reason="withdrawn",
                serial=serial,
            )
            for number in range(clips)
        )
