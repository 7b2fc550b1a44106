"""Target 8: yesterday's backup, restored after people took their voices back, brings none of them back.

The backup has everything that a backup can have: the database and every object, sealed recordings and open releases.
It is restored over what is there now, and a server is started on it. Then each address is asked for each voice, each
stored recording is tried with every key that is left, and every released file is searched for their sound.
"""

import random
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import KeyDestroyed
from corpus.keys import KeyKind
from corpus.tables import Clip
from corpus.words import AccountId, KeyId, Scope
from export.build import build_release
from export.publish import publish_release
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.withdraw import withdraw
from loanword.backup import back_up, restore
from tests.e2e.server import running
from tests.factories import make_clip, make_lender, make_token, make_utterance, wav
from tests.trust.gates import NAME, ONE_SHARD, VERSION, WORDS
from tests.trust.grounds import Ground
from tests.trust.results import Result
from tests.trust.stopping import ADDRESSES, Person, Staff, hire

TARGET = "8"
WINDOW_BYTES = 48
SOUND_BYTES = 32_000


def measure_resurrection(ground: Ground, n: int, seed: int) -> Result:
    chance, failures = random.Random(seed), list[str]()
    with tempfile.TemporaryDirectory(dir=ground.folder) as folder, ground.house() as house:
        staff = hire(house)
        sounds = [chance.randbytes(SOUND_BYTES) for _ in range(n)]
        people = [lend(house, staff, sound) for sound in sounds]
        make_clip(house, make_lender(house), label=WORDS)  # somebody who stays
        build_release(house, NAME, VERSION, ONE_SHARD)
        publish_release(house, NAME, VERSION)
        objects = back_up(house, Path(folder, "backup"), with_objects=True).objects
        for person in people:
            withdraw(house, person.lender.account_id)
        finish_erasures(house)
        house.database.close()
        restored = restore(house.settings, Path(folder, "backup"), force=True).objects
        staff, people = signed_in_again(house, staff, people)
        with running(house.settings) as server, server.client() as client:
            for number, person in enumerate(people):
                answers = {name: ask(client, person, staff).status_code for name, ask in ADDRESSES.items()}
                failures += [f"person {number}: {name} {status}" for name, status in answers.items() if status < 400]
        failures += readable(house, {person.lender.account_id for person in people})
        failures += released(house, sounds)
        failures += forgotten(house, people)
    if not restored:
        failures.append("the backup brought nothing back: it was no test")
    return Result(
        target=TARGET,
        tried="people who took their voice back, before a backup with all that was theirs was restored; then every "
        "address asked, every stored recording tried with every key, every released file searched",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=failures,
        figure=f"of {objects} objects in the backup, {restored} had been erased, came back, and went again",
    )


def lend(house: Collaborators, staff: Staff, sound: bytes) -> Person:
    """A recording, a clip that a curator holds, and one in a release."""
    lender = make_lender(house)
    make_clip(house, lender, pcm=sound, label=WORDS)
    clip_id = make_clip(house, lender)
    with house.database.writing() as session:
        clip = session.get_one(Clip, clip_id)
        clip.leased_by, clip.leased_until = staff.curator_id, house.clock() + timedelta(days=1)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)
    return Person(lender, token, clip_id, make_utterance(house, lender, body=wav(sound)), NAME)


def signed_in_again(house: Collaborators, staff: Staff, people: list[Person]) -> tuple[Staff, list[Person]]:
    """With new tokens, since a restore ends the old ones: what is refused then is not refused for want of a token."""
    hired = replace(hire(house), curator_id=staff.curator_id, curator=make_token(house, staff.curator_id, Scope.REVIEW))
    return hired, [
        replace(person, token=make_token(house, person.lender.account_id, Scope.ACCOUNT)) for person in people
    ]


def readable(house: Collaborators, account_ids: set[AccountId]) -> list[str]:
    """The stored recordings of these people whose key is still there."""
    found = []
    for info in house.store.list(object_keys.VOICES):
        _, account_id, key_id, *_ = info.key.split("/")
        if account_id in account_ids:
            try:
                house.keyring.unwrap(AccountId(account_id), KeyId(key_id), KeyKind.VOICE)
                found.append(f"{info.key} can be read")
            except KeyDestroyed:
                continue
    return found


def released(house: Collaborators, sounds: list[bytes]) -> list[str]:
    """The released files in which one of these sounds stands."""
    found = []
    for info in list(house.store.list("releases/")):
        with house.store.open(info.key) as file:
            content = file.read()
        found += [f"{info.key} holds a voice" for sound in sounds if sound[1000 : 1000 + WINDOW_BYTES] in content]
    return found


def forgotten(house: Collaborators, people: list[Person]) -> list[str]:
    """What is still there of them after the next look for late writers, though no key opens it."""
    later = house.clock() + LATE_WRITERS + timedelta(minutes=1)
    finish_erasures(replace(house, clock=lambda: later))
    own = {f"{object_keys.VOICES}{person.lender.account_id}/" for person in people}
    left = [info.key for prefix in sorted(own) for info in house.store.list(prefix)]
    return [f"{key} is still stored" for key in left]
