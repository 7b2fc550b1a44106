"""Threads that answer coroutines: each has its own answer, nobody waits for ever, and the threads end."""

import asyncio
import gc
import threading
from collections.abc import Sequence

import pytest

from corpus.crew import Crew
from corpus.errors import Refused


class Clerk:
    """Doubles numbers; refuses negative ones, breaks at zero, and can be held up within a turn."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.threads: set[threading.Thread] = set()
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.threads.add(threading.current_thread())
        self.began.set()
        assert self.go_on.wait(20)
        self.turns.append(list(numbers))
        return [Refused(str(number)) if number < 0 else 2 * number // bool(number) for number in numbers]


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


async def asked_while_one_is_busy(crew: Crew[int, int], clerk: Clerk, numbers: Sequence[int]) -> list[object]:
    """The outcomes of 1, which holds the only thread up, and of all that are asked meanwhile."""
    clerk.go_on.clear()
    first = asyncio.create_task(crew.ask(1))
    await asyncio.to_thread(clerk.began.wait, 20)
    others = [asyncio.create_task(crew.ask(number)) for number in numbers]
    await asyncio.sleep(0)
    clerk.go_on.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_those_that_wait_share_a_turn_and_each_has_its_own_answer(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=3)

    answers = asyncio.run(asked_while_one_is_busy(crew, clerk, [2, 3, 4, 5]))

    assert answers == [2, 4, 6, 8, 10]
    assert clerk.turns == [[1], [2, 3, 4], [5]]


def test_a_turn_waits_for_those_who_are_expected(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus.crew.LONGEST_PAUSE_S", 20.0)
    monkeypatch.setattr("corpus.crew.LONGEST_WAIT_S", 20.0)
    crew = Crew(clerk, threads=1, at_once=9, expected=lambda: 3)

    async def ask_one_after_the_other() -> list[int]:
        asked = []
        for number in (1, 2, 3):
            asked.append(asyncio.create_task(crew.ask(number)))
            await asyncio.sleep(0.05)
        return [await each for each in asked]

    assert asyncio.run(ask_one_after_the_other()) == [2, 4, 6]
    assert clerk.turns == [[1, 2, 3]]


def test_who_is_expected_and_does_not_come_is_not_waited_for_long(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=9, expected=lambda: 3)

    async def ask() -> int:
        return await asyncio.wait_for(crew.ask(1), timeout=5)

    assert asyncio.run(ask()) == 2


def test_a_refusal_is_its_askers_alone(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=3)

    answers = asyncio.run(asked_while_one_is_busy(crew, clerk, [2, -3, 4]))

    assert answers[:2] == [2, 4]
    assert isinstance(answers[2], Refused)
    assert answers[3] == 8


def test_a_turn_that_breaks_is_told_to_all_in_it_and_the_next_goes_on(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=2)

    answers = asyncio.run(asked_while_one_is_busy(crew, clerk, [2, 0, 4]))

    assert [type(answer) for answer in answers] == [int, ZeroDivisionError, ZeroDivisionError, int]


def test_a_turn_ends_although_one_of_its_askers_has_gone(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=2)

    async def go_away() -> int:
        clerk.go_on.clear()
        gone, stays = asyncio.create_task(crew.ask(1)), asyncio.create_task(crew.ask(2))
        await asyncio.to_thread(clerk.began.wait, 20)
        gone.cancel()
        await asyncio.wait([gone])
        clerk.go_on.set()
        return await stays

    assert asyncio.run(go_away()) == 4
    assert sorted(number for turn in clerk.turns for number in turn) == [1, 2]


def test_a_turn_that_outlives_its_event_loop_leaves_the_crew_whole(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=1, at_once=1)

    async def abandon() -> None:
        clerk.go_on.clear()
        asked = asyncio.create_task(crew.ask(1))
        await asyncio.to_thread(clerk.began.wait, 20)
        asked.cancel()

    asyncio.run(abandon())
    clerk.go_on.set()

    assert asyncio.run(crew.ask(2)) == 4


def test_the_threads_end_with_their_crew(clerk: Clerk) -> None:
    crew = Crew(clerk, threads=3, at_once=1)

    asyncio.run(asked_while_one_is_busy(crew, clerk, range(1, 20)))
    del crew
    gc.collect()

    for thread in clerk.threads:
        thread.join(20)
        assert not thread.is_alive()
