"""Target 4: how long it takes, on a busy server, from "I take it back" until no address gives a voice away any more.

For each withdrawal, four clients ask again and again, each at one address that serves or takes the account's voice:
upload, a curator's playback, the owner's own playback, a download. Time runs from the moment in which the withdrawal is
sent until the last of the four has its first refusal in hand; meanwhile others upload, review and list.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from corpus.collaborators import Collaborators
from corpus.tables import Clip
from corpus.words import AccountId, ClipId, Role, Scope
from export.build import build_release
from export.publish import publish_release
from tests.e2e.server import Server, running
from tests.factories import Lender, make_account, make_clip, make_lender, make_token, make_utterance, tone, wav
from tests.trust.gates import ONE_SHARD, WORDS
from tests.trust.grounds import Ground
from tests.trust.refusals import bearer
from tests.trust.results import Result

TARGET = "4"
P99_S = 1.0
LONGEST_S = 5.0
GIVES_UP_AFTER_S = 30.0
UNCOUNTED = 3
"""Withdrawals before those that count: a server that has just started loads, at the first of each, what it needs."""

VERSION = "1"
SPEECH = wav(tone(duration_s=0.5))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose voice every address gives away, so far."""

    lender: Lender
    token: str
    clip_id: ClipId
    utterance_id: str
    release: str


@dataclass(frozen=True, slots=True)
class Staff:
    """Tokens of those who hear, and those who download."""

    curator_id: AccountId
    curator: str
    engineer: str


Ask = Callable[[httpx.Client, Person, Staff], httpx.Response]


def upload(client: httpx.Client, person: Person, _staff: Staff) -> httpx.Response:
    return client.post("/v1/utterances", content=SPEECH, headers=bearer(person.lender.device_token))


def playback(client: httpx.Client, person: Person, staff: Staff) -> httpx.Response:
    return client.get(f"/v1/review/clips/{person.clip_id}/audio", headers=bearer(staff.curator))


def own_playback(client: httpx.Client, person: Person, _staff: Staff) -> httpx.Response:
    return client.get(f"/me/clips/{person.utterance_id}/audio", headers=bearer(person.token))


def download(client: httpx.Client, person: Person, staff: Staff) -> httpx.Response:
    path = f"/v1/releases/{person.release}/{VERSION}/files/archives/train-00000.tar"
    return client.get(path, headers=bearer(staff.engineer))


ADDRESSES: Mapping[str, Ask] = {
    "upload": upload,
    "a curator's playback": playback,
    "one's own playback": own_playback,
    "download": download,
}


def measure_stopping(ground: Ground, n: int, seed: int) -> Result:
    chance, failures, times_s = random.Random(seed), list[str](), list[float]()
    with ground.house() as house:
        staff = hire(house)
        with running(house.settings) as server, load_on(server, house, staff), ExitStack() as stack:
            clients = {name: stack.enter_context(server.client()) for name in (*ADDRESSES, "withdrawal")}
            pool = stack.enter_context(ThreadPoolExecutor(len(ADDRESSES)))
            for number in range(-UNCOUNTED, n):
                wrong, took_s = take_back(clients, pool, settle(house, staff, number), staff, chance)
                if number < 0:
                    continue
                failures += [f"withdrawal {number}: {each}" for each in wrong]
                times_s.append(took_s)
    return Result(
        target=TARGET,
        tried=f"withdrawals on a busy server, until refused at each of: {', '.join(ADDRESSES)}",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=failures + too_slow(times_s),
        figure=", ".join(
            f"{name} {quantile(times_s, share) * 1000:.0f} ms"
            for name, share in (("half within", 0.5), ("99 % within", 0.99), ("longest", 1.0))
        ),
    )


def take_back(
    clients: Mapping[str, httpx.Client],
    pool: ThreadPoolExecutor,
    person: Person,
    staff: Staff,
    chance: random.Random,
) -> tuple[list[str], float]:
    """What was wrong, and how many seconds it took."""
    before = {name: ask(clients[name], person, staff).status_code for name, ask in ADDRESSES.items()}
    wrong = [f"{name} answered {status} before it" for name, status in before.items() if status not in (200, 201)]
    asking = {name: pool.submit(until_refused, ask, clients[name], person, staff) for name, ask in ADDRESSES.items()}
    time.sleep(chance.uniform(0, 0.05))
    sent_s = time.perf_counter()
    answer = clients["withdrawal"].post("/v1/consent/withdraw", headers=bearer(person.token))
    if answer.status_code != 200:
        wrong.append(f"it was answered {answer.status_code}")
    refused_s = [each.result() for each in asking.values()]
    after = {name: ask(clients[name], person, staff).status_code for name, ask in ADDRESSES.items()}
    wrong += [f"{name} answered {status} after it" for name, status in after.items() if status < 400]
    return wrong, max(refused_s) - sent_s


def until_refused(ask: Ask, client: httpx.Client, person: Person, staff: Staff) -> float:
    """When the first refusal was in hand. An answer that is neither (a server that is too busy) is asked again."""
    deadline_s = time.perf_counter() + GIVES_UP_AFTER_S
    while True:
        status, now_s = ask(client, person, staff).status_code, time.perf_counter()
        if 400 <= status < 500 or now_s > deadline_s:
            return now_s


def too_slow(times_s: Sequence[float]) -> list[str]:
    slow = [f"one took {each:.1f} s" for each in times_s if each >= LONGEST_S]
    p99_s = quantile(times_s, 0.99)
    return [*slow, *([f"99 % took up to {p99_s:.2f} s"] if p99_s >= P99_S else [])]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def hire(house: Collaborators) -> Staff:
    curator, engineer = make_account(house, role=Role.CURATOR), make_account(house, role=Role.ENGINEER)
    return Staff(curator, make_token(house, curator, Scope.REVIEW), make_token(house, engineer, Scope.PULL))


def settle(house: Collaborators, staff: Staff, number: int) -> Person:
    """A clip that a curator holds, and one in a release of its own: all who came before have left by now."""
    lender, release = make_lender(house), f"release-{number + UNCOUNTED}"
    make_clip(house, lender, label=WORDS)
    build_release(house, release, VERSION, ONE_SHARD)
    publish_release(house, release, VERSION)
    clip_id = make_clip(house, lender)
    with house.database.writing() as session:
        clip = session.get_one(Clip, clip_id)
        clip.leased_by, clip.leased_until = staff.curator_id, house.clock() + timedelta(days=1)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)
    return Person(lender, token, clip_id, make_utterance(house, lender), release)


@contextmanager
def load_on(server: Server, house: Collaborators, staff: Staff) -> Iterator[None]:
    """Two devices that upload, a curator and an engineer, none of whom ever waits."""
    other = make_lender(house)
    done = threading.Event()

    def busy(ask: Callable[[httpx.Client], object]) -> None:
        with server.client() as client:
            while not done.is_set():
                ask(client)

    acts: Sequence[Callable[[httpx.Client], object]] = (
        lambda client: client.post("/v1/utterances", content=SPEECH, headers=bearer(other.device_token)),
        lambda client: client.post("/v1/utterances", content=SPEECH, headers=bearer(other.device_token)),
        lambda client: client.get("/v1/review/next", headers=bearer(staff.curator)),
        lambda client: client.get("/v1/releases", headers=bearer(staff.engineer)),
    )
    with ThreadPoolExecutor(len(acts)) as pool:
        working = [pool.submit(busy, act) for act in acts]
        try:
            yield
        finally:
            done.set()
    for each in working:
        each.result()
