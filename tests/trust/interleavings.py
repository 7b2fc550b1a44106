"""Target 3: a withdrawal that races everything. After its commit nothing is stored, heard, judged, released or served.

Each seed interleaves one act with one withdrawal, step by step (`tests.trust.turns`). In half of them the withdrawal is
the whole one, which destroys the key; in the other half it is the bare event, so that nothing but the gates can refuse.
At the withdrawal's commit a stock is taken of all that the account has and is part of; whatever came to be after that
is a failure. What is served is judged by its gate: bytes may be on their way when the commit comes, but no gate that is
asked after it may let any through.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ConsentWithdrawn, LoanwordError
from corpus.speech.decoder import Decoder
from corpus.tables import Clip, Hypothesis, Label, Release, ReleaseClip, Review, Utterance, Verdict
from corpus.words import AccountId, Purpose, RejectReason, ReleaseState
from curation.examine import Workbench
from curation.review import review
from curation.run import decide_duplicates
from curation.worker import curate_batch
from export.build import build_release
from export.catalogue.serve_file import find_file, open_span
from export.publish import publish_release
from ingest.body import Body
from ingest.metadata import Metadata
from ingest.record_utterance import admit, record
from ingest.withdraw import withdraw
from tests.factories import Lender, make_clip, make_lender, make_utterance, tone, wav, withdraw_consent
from tests.trust.gates import ONE_SHARD, WORDS, a_curator
from tests.trust.grounds import Ground
from tests.trust.results import Result
from tests.trust.turns import Side, Turns, lock_watch

TARGET = "3"
ACT, WITHDRAWAL = "act", "withdrawal"
VERSION = "1"
FEW = 5
"""Steps that any act has; how many it has is seen as it runs."""
ALL_OF_A_RELEASE = (Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH)


@dataclass
class Race:
    """One account, one act, and what was there when the withdrawal was committed."""

    number: int
    house: Collaborators
    lender: Lender
    chance: random.Random
    decoder: Decoder
    served: Callable[[str], None] = lambda _what: None
    """Called by an act that has bytes in its hands to give away."""

    @property
    def release(self) -> str:
        return f"release-{self.number}"

    def draft(self) -> None:
        self.label()
        build_release(self.house, self.release, VERSION, ONE_SHARD)

    def label(self) -> None:
        """A clip to release; the first race leaves another, of somebody who stays, for all that follow."""
        if self.number == 0:
            make_clip(self.house, make_lender(self.house), pcm=sound(self.chance), label=WORDS)
        make_clip(self.house, self.lender, pcm=sound(self.chance), label=WORDS)


Do = Callable[[Collaborators], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """An act that a withdrawal of any of these purposes must end. `prepare` sets up and gives the act."""

    name: str
    purposes: Sequence[Purpose]
    prepare: Callable[[Race], Do]


def sound(chance: random.Random) -> bytes:
    return tone(duration_s=1.0, frequency_hz=chance.uniform(200, 3000), peak=chance.uniform(0.2, 0.5))


def upload(race: Race) -> Do:
    body = Body(wav(sound(race.chance)))

    def act(house: Collaborators) -> None:
        said = Metadata(transcript=WORDS)
        record(house, admit(house, token=race.lender.device_token, metadata=said), "", body)

    return act


def curation(race: Race) -> Do:
    utterance_id = make_utterance(race.house, race.lender, body=wav(sound(race.chance)))

    def act(house: Collaborators) -> None:
        counts = curate_batch(Workbench(house, race.decoder, recogniser=None), [utterance_id])
        decided = decide_duplicates(house)
        if counts.withdrawn or not decided.kept:
            raise ConsentWithdrawn  # curation goes on with others; it refuses nobody aloud

    return act


def reviewing(race: Race) -> Do:
    clip_id, curator_id = make_clip(race.house, race.lender, pcm=sound(race.chance)), a_curator(race.house)
    accepts = race.chance.random() < 0.5

    def act(house: Collaborators) -> None:
        review.next_clip(house, curator_id)
        review.recording(house, curator_id, clip_id)
        race.served("a clip was played")
        if accepts:
            review.accept(house, curator_id, clip_id, WORDS)
        else:
            review.reject(house, curator_id, clip_id, RejectReason.CUT_OFF)

    return act


def build(race: Race) -> Do:
    race.label()

    def act(house: Collaborators) -> None:
        build_release(house, race.release, VERSION, ONE_SHARD, readers=1)

    return act


def publication(race: Race) -> Do:
    race.draft()

    def act(house: Collaborators) -> None:
        publish_release(house, race.release, VERSION)

    return act


def download(race: Race) -> Do:
    race.draft()
    publish_release(race.house, race.release, VERSION)

    def act(house: Collaborators) -> None:
        file = find_file(house, race.release, VERSION, "archives/train-00000.tar")
        for _chunk in open_span(house, file, 0, file.size_bytes):
            race.served("a chunk was served")

    return act


KINDS = (
    Kind("upload", (Purpose.COLLECT,), upload),
    Kind("curation", (Purpose.COLLECT,), curation),
    Kind("review", (Purpose.COLLECT, Purpose.REVIEW), reviewing),
    Kind("build", ALL_OF_A_RELEASE, build),
    Kind("publish", ALL_OF_A_RELEASE, publication),
    Kind("download", ALL_OF_A_RELEASE, download),
)


@dataclass
class Tally:
    """How the races of one kind went."""

    failures: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    orders: list[Sequence[tuple[str, str]]] = field(default_factory=list)


def measure_interleavings(ground: Ground, decoder: Decoder, kind: Kind, n: int, seed: int) -> Result:
    tally = interleave(ground, decoder, kind, n, seed)
    done = tally.ends["done"]
    return Result(
        target=TARGET,
        tried=f"withdrawal against {kind.name}",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=tally.failures,
        figure=f"{len({tuple(order) for order in tally.orders})} different orders; "
        f"the withdrawal came first in {n - done}, the {kind.name} in {done}",
    )


def interleave(ground: Ground, decoder: Decoder, kind: Kind, n: int, seed: int) -> Tally:
    """`n` races of one kind in one house, each with an account of its own."""
    tally, steps = Tally(), FEW
    with ground.house() as house, closing(Side(house, ACT)) as acting, closing(Side(house, WITHDRAWAL)) as leaving:
        for number in range(n):
            chance = random.Random(f"{seed} {kind.name} {number}")
            race = Race(number, house, make_lender(house), chance, decoder)
            found, end, order = run(race, kind, acting, leaving, steps)
            steps = max(steps, sum(who == ACT for who, _ in order))
            tally.failures += [f"{kind.name}, seed {seed}, race {number}: {each}" for each in found]
            tally.ends[end] += 1
            tally.orders.append(order)
    return tally


def run(
    race: Race, kind: Kind, acting: Side, leaving: Side, steps: int
) -> tuple[list[str], str, Sequence[tuple[str, str]]]:
    """What was wrong, how the act ended, and the order of steps. The act has about so many."""
    act = kind.prepare(race)
    take_back = withdrawal(race, kind)
    turns = Turns(race.chance, (ACT, WITHDRAWAL), steps, lock_watch(race.house))
    at_commit: list[Stock] = []
    asked_by_then: list[int] = []
    failures: list[str] = []

    def remember() -> None:
        if not at_commit:
            at_commit.append(stock_of(race))
            asked_by_then.append(acting.transactions)

    def served(what: str) -> None:
        if asked_by_then and acting.transactions > asked_by_then[0]:
            failures.append(f"{what}, by a gate that was asked after the withdrawal")

    acting.turns = leaving.turns = turns
    acting.transactions, leaving.on_commit, race.served = 0, remember, served
    errors = turns.run({ACT: lambda: act(acting.house), WITHDRAWAL: lambda: take_back(leaving.house)})
    acting.turns = leaving.turns = None
    refusal = errors[ACT]
    failures += [f"{name} failed: {error!r}" for name, error in errors.items() if is_no_refusal(name, error)]
    failures += [f"{each}, after the withdrawal" for each in sorted(stock_of(race).after(at_commit[0]))]
    return failures, "refused" if refusal else "done", turns.order


def withdrawal(race: Race, kind: Kind) -> Do:
    purpose, account_id = race.chance.choice(kind.purposes), race.lender.account_id
    whole = race.chance.random() < 0.5

    def act(house: Collaborators) -> None:
        if whole:
            withdraw(house, account_id, [purpose])
        else:
            withdraw_consent(house, account_id, purpose)

    return act


def is_no_refusal(name: str, error: BaseException | None) -> bool:
    """A withdrawal may not fail at all; an act may be refused."""
    return error is not None and (name == WITHDRAWAL or not isinstance(error, LoanwordError))


@dataclass(frozen=True, slots=True)
class Stock:
    """All that an account has and is part of, each in words."""

    of_voice: frozenset[str]
    of_release: frozenset[str]
    """How the release stands, and what of it is in the store."""
    is_in_release: bool
    release_is_built: bool

    def after(self, earlier: "Stock") -> set[str]:
        """What came to be since. A release counts where the voice is in it, and its files where it was unfinished."""
        came = self.of_voice - earlier.of_voice
        if self.is_in_release or earlier.is_in_release:
            came |= self.of_release - earlier.of_release
        return {each for each in came if not (earlier.release_is_built and each.startswith("releases/"))}


def stock_of(race: Race) -> Stock:
    account_id, release = race.lender.account_id, race.release
    with race.house.database.reading() as session:
        states = list(session.scalars(select(Release).where(Release.name == release)))
        return Stock(
            of_voice=frozenset({*facts(session, account_id), *stored(race, f"{object_keys.VOICES}{account_id}/")}),
            of_release=frozenset({*map(standing, states), *stored(race, object_keys.release_prefix(release))}),
            is_in_release=session.scalars(clips_in(account_id, release)).first() is not None,
            release_is_built=any(each.built_at is not None for each in states),
        )


def stored(race: Race, prefix: str) -> set[str]:
    return {f"{each.key} is stored" for each in race.house.store.list(prefix)}


def standing(release: Release) -> str:
    public = release.state is ReleaseState.CURRENT
    return f"the release is {'current' if public else 'built' if release.built_at else 'begun'}"


def clips_in(account_id: AccountId, release: str) -> Select[str]:
    return (
        select(ReleaseClip.wav_filename)
        .join(Release, Release.id == ReleaseClip.release_id)
        .join(Clip, Clip.id == ReleaseClip.clip_id)
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(Utterance.account_id == account_id, Release.name == release)
    )


def facts(session: Session, account_id: AccountId) -> Iterator[str]:
    """Each row about the account's voice, and how its clips stand."""
    for utterance_id in session.scalars(select(Utterance.id).where(Utterance.account_id == account_id)):
        yield f"utterance {utterance_id} is recorded"
    mine = select(Clip).join(Utterance, Utterance.id == Clip.utterance_id).where(Utterance.account_id == account_id)
    for clip in session.scalars(mine):
        yield f"clip {clip.id} is recorded"
        yield f"clip {clip.id} is {clip.outcome}"
        if clip.leased_by:
            yield f"clip {clip.id} is with a curator"
        for table in (Verdict, Hypothesis, Review, Label):
            if session.scalar(select(table.at).where(table.clip_id == clip.id).limit(1)):
                yield f"{table.__tablename__} of clip {clip.id}"
        for release in session.scalars(select(ReleaseClip.release_id).where(ReleaseClip.clip_id == clip.id)):
            yield f"clip {clip.id} stands in release {release}"
