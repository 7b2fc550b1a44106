"""What the API takes and answers, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from corpus.collaborators import Collaborators
from corpus.tables import ConsentNotice
from corpus.words import AccountId, ConsentAct, DeviceId, Purpose, UtteranceId
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
