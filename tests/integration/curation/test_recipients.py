"""A recogniser on another machine is sent the recordings of those alone who were told of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured
from corpus.settings import Settings
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing
from corpus.words import ConsentAct, Purpose
from curation import run
from curation.examine import Workbench
from curation.executors import Inline, ProcessPool, opened_bench
from ingest.publish_notice import publish_notice
from ingest.withdraw import withdraw
from tests.factories import consent_event, make_lender, make_utterance, melody, wav
from tests.integration.curation.endings import KEPT, endings

HOST = "asr.example"


@dataclass
class Elsewhere:
    """A recogniser on another machine, and how many samples each clip had that it was sent."""

    name: str = f"server-{HOST}"
    sends_to: str = HOST
    sent: list[int] = field(default_factory=list)

    def speaks(self, locale: str) -> bool:
        return True

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        self.sent += [len(sound.samples) for sound in batch]
        return [Heard("lights on") for _ in batch]


@dataclass
class Meanwhile:
    """A recogniser on this machine; while it hears, something happens."""

    happens: Callable[[], object]
    name: str = "here"
    sends_to: None = None

    def speaks(self, locale: str) -> bool:
        return True

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        self.happens()
        return [Heard("lights on") for _ in batch]


def publish(house: Collaborators, version: str, recogniser: str | None = None) -> int:
    """The product's own notice, with the terms that this setting makes."""
    settings = house.settings.model_copy(update={"recogniser": recogniser})
    return publish_notice(replace(house, settings=settings), "Lend us your voice.", locale="en-US", version=version).id


def curate(house: Collaborators, bench: Workbench, meanwhile: Callable[[], object] = lambda: None) -> list[int]:
    asked = Elsewhere()
    run.curate(house, Inline(replace(bench, recogniser=Hearing((Meanwhile(meanwhile), asked)))))
    return asked.sent


def test_who_agreed_before_it_was_named_is_heard_by_nobody_there(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1")
    early = make_lender(house)
    publish(house, "2", recogniser=f"https://{HOST}/stt")
    late = make_lender(house)
    untold = make_utterance(house, early, body=wav(melody("early")), transcript=None)
    told = make_utterance(house, late, body=wav(melody("late")), transcript=None)

    sent = curate(house, bench)

    assert len(sent) == 1
    assert endings(house) == {untold: KEPT, told: KEPT}


def test_who_agrees_again_to_a_notice_that_names_it_is_heard(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1")
    lender = make_lender(house)
    named = publish(house, "2", recogniser=f"https://{HOST}/stt")
    consent_event(house, lender.account_id, ConsentAct.RENEWED, at=house.clock(), notice_id=named)
    make_utterance(house, lender, transcript=None)

    assert len(curate(house, bench)) == 1


def test_who_agrees_again_to_a_notice_that_names_it_no_more_is_not(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1", recogniser=f"https://{HOST}/stt")
    lender = make_lender(house)
    silent = publish(house, "2")
    consent_event(house, lender.account_id, ConsentAct.RENEWED, at=house.clock(), notice_id=silent)
    make_utterance(house, lender, transcript=None)

    assert curate(house, bench) == []


def test_only_what_grants_the_keeping_of_recordings_counts(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1")
    lender = make_lender(house)
    named = publish(house, "2", recogniser=f"https://{HOST}/stt")
    consent_event(
        house, lender.account_id, ConsentAct.GIVEN, purposes=[Purpose.PUBLISH], at=house.clock(), notice_id=named
    )
    make_utterance(house, lender, transcript=None)

    assert curate(house, bench) == []


def test_a_refusal_of_a_notice_agrees_to_none_of_its_terms(house: Collaborators) -> None:
    publish(house, "1")
    lender = make_lender(house)
    named = publish(house, "2", recogniser=f"https://{HOST}/stt")
    consent_event(
        house, lender.account_id, ConsentAct.REFUSED, purposes=[Purpose.COLLECT], at=house.clock(), notice_id=named
    )

    with house.database.reading() as session:
        terms = queries.terms_agreed_to(session, lender.account_id)
    assert terms is not None
    assert HOST not in terms


def test_nothing_is_sent_of_whoever_withdraws_while_the_batch_is_heard(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1", recogniser=f"https://{HOST}/stt")
    goes, stays = make_lender(house), make_lender(house)
    make_utterance(house, goes, body=wav(melody("goes")), transcript=None)
    kept = make_utterance(house, stays, body=wav(melody("stays")), transcript=None)

    sent = curate(house, bench, meanwhile=lambda: withdraw(house, goes.account_id))

    assert len(sent) == 1
    assert endings(house) == {kept: KEPT}


def test_nothing_is_sent_of_whoever_agrees_meanwhile_that_it_is_not(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1", recogniser=f"https://{HOST}/stt")
    lender = make_lender(house)
    silent = publish(house, "2")
    make_utterance(house, lender, transcript=None)

    def agrees() -> None:
        consent_event(house, lender.account_id, ConsentAct.RENEWED, at=house.clock(), notice_id=silent)

    assert curate(house, bench, meanwhile=agrees) == []


def test_the_terms_of_another_recogniser_count_for_nothing(house: Collaborators, bench: Workbench) -> None:
    publish(house, "1", recogniser=f"https://not-{HOST}/stt, https://{HOST}.example/stt")
    make_utterance(house, make_lender(house), transcript=None)

    assert curate(house, bench) == []


def test_no_worker_starts_while_the_current_notice_names_it_not(house: Collaborators) -> None:
    make_utterance(house, make_lender(house))
    settings = house.settings.model_copy(update={"recogniser": f"http://{HOST}/stt"})

    with ProcessPool(settings, 1) as pool, pytest.raises(Misconfigured, match=r"asr\.example.*notice for en-US"):
        run.curate(house, pool)

    assert endings(house) == {}
    publish(house, "2", recogniser=settings.recogniser)
    with opened_bench(settings) as bench:
        assert bench.recogniser is not None


@pytest.mark.parametrize("recogniser", [None, "http://127.8.9.1/stt", "http://[::1]:8080/stt", "tiny.en"])
def test_what_stays_on_this_machine_is_in_no_terms(house: Collaborators, recogniser: str | None) -> None:
    notice_id = publish(house, "1", recogniser)

    assert Settings(recogniser=recogniser).remote_recognisers() == []
    with house.database.reading() as session:
        [notice] = [each for each in queries.current_notices(session) if each.id == notice_id]
    assert "recognisers" not in json.loads(notice.terms)
