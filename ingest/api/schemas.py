"""What the API takes and answers, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from corpus.collaborators import Collaborators
from corpus.errors import BadRequest
from corpus.tables import ConsentNotice
from corpus.words import AccountId, ConsentAct, DeviceId, ErasureKind, Purpose, UtteranceId
from ingest.delete_recordings import Deleted
from ingest.erasures.certificates import ErasureView
from ingest.erasures.record import Reason
from ingest.give_consent import PurposeState
from ingest.pair_device import LONGEST_NAME, KnownDevice, PairedDevice
from ingest.receipts import Receipt, receipts
from ingest.record_utterance import Recorded


class Asked(BaseModel):
    """What a request says. A field that we do not know is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class NoticeAnswer(BaseModel):
    """The exact text to show, and how to name it when agreeing."""

    version: str
    locale: str
    wording: str
    wording_sha256: str
    published_at: datetime
    uploads_until: datetime | None = Field(description="Null while this is the current notice of its locale.")

    @classmethod
    def of(cls, notice: ConsentNotice) -> "NoticeAnswer":
        return cls(
            version=notice.version,
            locale=notice.locale,
            wording=notice.wording,
            wording_sha256=notice.wording_sha256,
            published_at=notice.published_at,
            uploads_until=notice.uploads_until,
        )


class NoticesAnswer(BaseModel):
    """The current notice of each locale."""

    notices: list[NoticeAnswer]


class NoticeShown(Asked):
    """Which notice was shown."""

    version: str = Field(max_length=64)
    locale: str = Field(max_length=35)


class ConsentAsked(Asked):
    """What a person answered: the purposes that they ticked, each on its own."""

    notice: NoticeShown
    purposes: frozenset[Purpose] = Field(description="A purpose needs those that it rests on to be ticked as well.")
    adult: bool = Field(False, description="That they are of age, affirmed by themselves.")


class WithdrawalAsked(Asked):
    """What a person takes back. `collect`, the default, takes back everything."""

    purposes: frozenset[Purpose] = frozenset({Purpose.COLLECT})


class PurposeAnswer(BaseModel):
    """How one purpose stands; `act` is null where it was never asked."""

    in_force: bool
    act: ConsentAct | None
    at: datetime | None
    expires_at: datetime | None


class ConsentAnswer(BaseModel):
    """How every purpose stands."""

    purposes: dict[Purpose, PurposeAnswer]

    @classmethod
    def of(cls, states: list[PurposeState]) -> "ConsentAnswer":
        return cls(
            purposes={
                state.purpose: PurposeAnswer(
                    in_force=state.in_force, act=state.act, at=state.at, expires_at=state.expires_at
                )
                for state in states
            }
        )


class ReceiptsAnswer(BaseModel):
    """Receipts, oldest first. `GET /v1/receipts/{id}` gives each to the byte."""

    receipts: list[dict[str, Any]]

    @classmethod
    def of(cls, receipts: Sequence[Receipt]) -> "ReceiptsAnswer":
        return cls(receipts=[each.as_json() for each in receipts])


class ChangeAnswer(ConsentAnswer):
    """How every purpose stands after a change, and the receipt of what each one rests on now."""

    receipts: list[dict[str, Any]]

    @classmethod
    def after(cls, house: Collaborators, account_id: AccountId, states: list[PurposeState]) -> "ChangeAnswer":
        ids = [state.event_id for state in states if state.event_id is not None]
        told = receipts(house, account_id, ids)
        return cls(purposes=ConsentAnswer.of(states).purposes, receipts=[each.as_json() for each in told])


class DeviceAsked(Asked):
    """A device to add."""

    name: str = Field(min_length=1, max_length=4 * LONGEST_NAME)


class DeviceAnswer(BaseModel):
    """A device as its owner sees it."""

    id: DeviceId
    name: str
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, device: KnownDevice) -> "DeviceAnswer":
        return cls(id=device.device_id, name=device.name, created_at=device.created_at, revoked_at=device.revoked_at)


class DevicesAnswer(BaseModel):
    """All devices of the caller, oldest first."""

    devices: list[DeviceAnswer]


class PairedAnswer(BaseModel):
    """A new device and its token, which is shown this once."""

    device: DeviceAnswer
    token: str

    @classmethod
    def of(cls, paired: PairedDevice) -> "PairedAnswer":
        return cls(device=DeviceAnswer.of(paired.device), token=paired.token)


class UtteranceAnswer(BaseModel):
    """An utterance that is stored, durably."""

    id: UtteranceId
    captured_at: datetime
    received_at: datetime

    @classmethod
    def of(cls, recorded: Recorded) -> "UtteranceAnswer":
        return cls(id=recorded.utterance_id, captured_at=recorded.captured_at, received_at=recorded.received_at)


class DeletionAsked(Asked):
    """Which recordings to delete: those that are named, or all."""

    utterances: list[UtteranceId] = Field(default_factory=list, max_length=1500)
    all: bool = False

    def wanted(self) -> list[UtteranceId] | None:
        """None for all. Raises `BadRequest` where neither or both are asked for."""
        if self.all == bool(self.utterances):
            raise BadRequest("Name the recordings to delete, or say `all: true`.")
        return None if self.all else self.utterances


class DeletedAnswer(BaseModel):
    """What was deleted. The certificate's address tells how far the erasure is, and then proves it."""

    deleted: int
    same_sound: int = Field(
        description="Of these, how many are the same sound as one that was named, and went with it."
    )
    certificate: str | None

    @classmethod
    def of(cls, deleted: Deleted) -> "DeletedAnswer":
        return cls(deleted=deleted.recordings, same_sound=deleted.same_sound, certificate=deleted.certificate)


class ClosedAnswer(BaseModel):
    """The account is closed; this address is all that is left to ask us. Keep it."""

    certificate: str


class ErasureAnswer(BaseModel):
    """One erasure, and how far it is: stopped, then erased, then done with a last look."""

    kind: ErasureKind
    reason: Reason
    purposes: list[str]
    requested_at: datetime
    stop_took_ms: int | None
    erased_at: datetime | None
    done_at: datetime | None
    recordings: int
    objects: int
    tombstones: int
    certificate: str = Field(description="The address of its certificate.")

    @classmethod
    def of(cls, view: ErasureView) -> "ErasureAnswer":
        begun, counts = view.begun, view.begun.counts
        return cls(
            kind=begun.kind,
            reason=counts.reason,
            purposes=list(counts.purposes),
            requested_at=begun.requested_at,
            stop_took_ms=begun.stop_took_ms,
            erased_at=begun.erased_at,
            done_at=begun.done_at,
            recordings=counts.recordings,
            objects=counts.objects,
            tombstones=counts.tombstones,
            certificate=view.address,
        )


class ErasuresAnswer(BaseModel):
    """All erasures of the caller, newest first."""

    erasures: list[ErasureAnswer]
