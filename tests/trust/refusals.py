"""Target 2: a recording that nobody agreed to is refused by the server, and not one byte of it is kept anywhere.

A real server, in a process of its own; every request differs in size, shape and what it says. After each, all that the
house keeps is compared with what was there before; in the end every file of the house and its servers is searched for
a mark that every body and every transcript bore.
"""

import random
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx

from corpus.collaborators import Collaborators
from corpus.identity import tokens
from corpus.tables import ConsentNotice
from corpus.web.problems import MEDIA_TYPE, TYPE_PREFIX
from corpus.words import ConsentAct, Purpose, Scope
from ingest.pair_device import pair_device, revoke_device
from ingest.withdraw import withdraw
from tests.e2e.server import running
from tests.factories import (
    consent_event,
    make_account,
    make_device,
    make_lender,
    make_token,
    opt_in,
    publish_notice,
    wav,
)
from tests.trust.grounds import Ground
from tests.trust.results import Result
from tests.trust.stock import Stocktaker, changes, files_that_hold

TARGET = "2"
ACCOUNTS = 10
"""People of each kind, who take turns."""
OLD_LOCALE = "en-GB"


@dataclass(frozen=True, slots=True)
class Refusable:
    """A device without consent, and the refusal that it must get."""

    token: str
    status: int
    problem: str
    opts_in_as_a_minor: str | None = None
    """The account's token, where it first tries to agree without affirming that it is of age."""


@dataclass(frozen=True, slots=True)
class World:
    """A house with two notices, of which the older one may rest no uploads any more."""

    house: Collaborators
    notice: ConsentNotice
    outdated: ConsentNotice


Kind = Callable[[World, random.Random], Refusable]


def never_asked(world: World, _chance: random.Random) -> Refusable:
    return Refusable(make_device(world.house, make_account(world.house)).device_token, 403, "consent-not-given")


def withdrawn(world: World, _chance: random.Random) -> Refusable:
    lender = make_lender(world.house)
    withdraw(world.house, lender.account_id)
    return Refusable(lender.device_token, 403, "consent-withdrawn")


def expired(world: World, chance: random.Random) -> Refusable:
    account_id = make_account(world.house)
    opt_in(world.house, account_id, expires_at=world.house.clock() - timedelta(seconds=chance.randint(0, 60_000)))
    return Refusable(make_device(world.house, account_id).device_token, 403, "consent-expired")


def for_something_else(world: World, chance: random.Random) -> Refusable:
    """Reviewing or publishing agreed to, and keeping not asked, or refused."""
    account_id = make_account(world.house)
    agreed = partial(consent_event, world.house, account_id, notice_id=world.notice.id)
    if chance.random() < 0.5:
        agreed(ConsentAct.REFUSED, purposes=[Purpose.COLLECT])
    agreed(ConsentAct.GIVEN, purposes=chance.choice([[Purpose.REVIEW], [Purpose.REVIEW, Purpose.PUBLISH]]))
    return Refusable(make_device(world.house, account_id).device_token, 403, "consent-not-given")


def to_an_old_notice(world: World, _chance: random.Random) -> Refusable:
    account_id = make_account(world.house)
    opt_in(world.house, account_id, purposes=[])  # makes the key
    consent_event(world.house, account_id, ConsentAct.GIVEN, notice_id=world.outdated.id)
    return Refusable(make_device(world.house, account_id).device_token, 403, "notice-outdated")


def a_minor(world: World, _chance: random.Random) -> Refusable:
    account_id = make_account(world.house)
    token = make_token(world.house, account_id, Scope.ACCOUNT)
    device = make_device(world.house, account_id)
    return Refusable(device.device_token, 403, "consent-not-given", opts_in_as_a_minor=token)


def paired_with_another(world: World, chance: random.Random) -> Refusable:
    """A device that changed hands: its old token, the token of who has not agreed yet, or one that was taken back."""
    lender, other = make_lender(world.house), make_account(world.house)
    revoke_device(world.house, lender.account_id, lender.device_id)
    again = pair_device(world.house, other, "kitchen")
    return chance.choice(
        [
            Refusable(lender.device_token, 403, "device-revoked"),
            Refusable(again.token, 403, "consent-not-given"),
            Refusable(a_token_that_ran_out(world.house), 401, "unauthenticated"),
        ]
    )


def a_token_that_ran_out(house: Collaborators) -> str:
    lender = make_lender(house)
    with house.database.writing() as session:
        return tokens.issue_token(
            session,
            master=house.master,
            account_id=lender.account_id,
            scopes=[Scope.UPLOAD],
            now=house.clock() - timedelta(days=2),
            device_id=lender.device_id,
            lifetime=timedelta(days=1),
        )


KINDS: Mapping[str, Kind] = {
    "never asked": never_asked,
    "withdrawn": withdrawn,
    "run out": expired,
    "agreed to something else": for_something_else,
    "agreed to an older notice": to_an_old_notice,
    "not of age": a_minor,
    "a device that changed hands": paired_with_another,
}


def measure_refusals(ground: Ground, n: int, seed: int, kinds: Mapping[str, Kind] = KINDS) -> Result:
    """`n` tries of each kind."""
    chance, mark = random.Random(seed), f"canary{secrets.token_hex(8)}"
    failures: list[str] = []
    with ground.house() as house, tempfile.TemporaryDirectory(dir=ground.folder) as temporary:
        people = everyone(house, kinds, chance, accounts=min(n, ACCOUNTS))
        willing = make_lender(house).device_token
        stock = Stocktaker(house, Path(temporary))
        with server_over(house, Path(temporary)) as client:
            before = stock.now()
            for name, refusables in people.items():
                for number in range(n):
                    refusable = refusables[number % len(refusables)]
                    wrong = refused(client, refusable, chance, mark)
                    after = stock.now()
                    wrong += [f"{each} was written" for each in changes(before, after)]
                    failures += [f"{name}: {each}" for each in wrong]
                    before = after
            searched = [house.settings.home, Path(temporary), *ground.servers]
            failures += files_that_hold([mark.encode()], searched)
            check_that_it_sees(stock, client, willing, chance, mark)
    return Result(
        target=TARGET,
        tried=f"uploads without consent: {', '.join(kinds)}; {n} of each",
        ground=ground.name,
        n=n * len(kinds),
        seed=seed,
        failures=failures,
        figure="0 bytes kept" if not failures else "",
    )


def everyone(
    house: Collaborators, kinds: Mapping[str, Kind], chance: random.Random, *, accounts: int
) -> Mapping[str, Sequence[Refusable]]:
    """People of each kind; all that their history writes is written here."""
    notice = publish_notice(house)
    outdated = publish_notice(house, version="0", locale=OLD_LOCALE, at=house.clock() - timedelta(days=90))
    publish_notice(house, version="1", locale=OLD_LOCALE, at=house.clock() - timedelta(days=31))
    world = World(house, notice, outdated)
    return {name: [kind(world, chance) for _ in range(accounts)] for name, kind in kinds.items()}


@contextmanager
def server_over(house: Collaborators, temporary: Path) -> Iterator[httpx.Client]:
    """Has written whatever it writes at its start, when this gives a client."""
    with running(house.settings, environment={"TMPDIR": str(temporary)}) as server, server.client() as client:
        yield client


def refused(client: httpx.Client, refusable: Refusable, chance: random.Random, mark: str) -> list[str]:
    """What was wrong with the refusal."""
    wrong = []
    if refusable.opts_in_as_a_minor:
        agreed = {"notice": {"version": "1", "locale": "en-US"}, "purposes": ["collect"], "adult": False}
        answer = client.post("/v1/consent", json=agreed, headers=bearer(refusable.opts_in_as_a_minor))
        wrong += differences(answer, 400, "bad-request")
    try:
        answer = send(client, refusable.token, chance, mark)
    except httpx.TransportError as error:
        return [*wrong, f"no answer came: {error!r}"]
    return wrong + differences(answer, refusable.status, refusable.problem)


def differences(answer: httpx.Response, status: int, problem: str) -> list[str]:
    told = answer.json() if answer.headers.get("content-type") == MEDIA_TYPE else {}
    got = (answer.status_code, told.get("status"), str(told.get("type")).removeprefix(TYPE_PREFIX))
    return [] if got == (status, status, problem) else [f"answered {got} for {(status, problem)}"]


def send(client: httpx.Client, token: str, chance: random.Random, mark: str) -> httpx.Response:
    """An upload of a shape that chance chooses, with the mark in its sound, and in its transcript if it has one."""
    noise = chance.randbytes(chance.randint(50, 100_000))
    sound = wav(noise + mark.encode() + noise)
    headers, query = bearer(token), {}
    if chance.random() < 0.5:
        headers["Idempotency-Key"] = f"{chance.getrandbits(64):x}"
    said = chance.choice(["", "header", "query"])
    if said == "header":
        headers["Loanword-Transcript"] = mark
    elif said == "query":
        query = {"transcript": mark}
    shape = chance.choice(["whole", "chunked", "form"])
    if shape == "form":
        return client.post("/v1/utterances", files={"audio": ("a.wav", sound)}, headers=headers, params=query)
    body = sound if shape == "whole" else iter([sound[:1000], sound[1000:]])
    headers["Content-Type"] = chance.choice(["audio/wav", "application/octet-stream"])
    return client.post("/v1/utterances", content=body, headers=headers, params=query)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def check_that_it_sees(stock: Stocktaker, client: httpx.Client, willing: str, chance: random.Random, mark: str) -> None:
    """One upload of somebody who agreed: a measurement that overlooks it would have overlooked the others."""
    before = stock.now()
    send(client, willing, chance, mark).raise_for_status()
    seen = changes(before, stock.now())
    if not any(each.startswith("utterances ") for each in seen) or not any("voices/" in each for each in seen):
        raise AssertionError(f"an upload was stored and only {seen} noticed")
