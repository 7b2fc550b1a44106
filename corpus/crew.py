"""Lets a few threads answer what many coroutines ask, each taking all the questions that wait.

To hand a question to a thread, and its answer back, costs as much as answering it, and more the more threads there are
that want to run. Under load the questions of one turn share both ways.
"""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

LONGEST_PAUSE_S = 0.004
"""Who is expected and has not asked by then is not waited for: two requests of one moment are less apart."""

LONGEST_WAIT_S = 0.010

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Asked(NamedTuple, Generic[Question, Answer]):
    """A question, and the coroutine that waits for its answer."""

    question: Question
    answer: asyncio.Future[Answer]


_Queue = SimpleQueue[_Asked[Question, Answer] | None]
_AnswerAll = Callable[[Sequence[Question]], Sequence[Answer | Exception]]


class Crew(Generic[Question, Answer]):
    """Threads that call `answer_all`: for some questions, in their order, each answer or its error.

    `expected` tells how many questions wait or are about to: a turn waits a moment for them. Turns and the event loop
    then work by turns too, and not against each other for the interpreter's lock.

    They begin with the first question, and end when nobody holds the crew any more. A turn that has begun is ended,
    whoever has gone away meanwhile.
    """

    def __init__(
        self,
        answer_all: _AnswerAll[Question, Answer],
        *,
        threads: int,
        at_once: int,
        expected: Callable[[], int] = lambda: 0,
    ) -> None:
        self._answer_all = answer_all
        self._expected = expected
        self._threads = threads
        self._at_once = at_once
        self._queue: _Queue[Question, Answer] = SimpleQueue()
        self._has_begun = False

    async def ask(self, question: Question) -> Answer:
        """The answer, or its error raised."""
        if not self._has_begun:
            self._begin()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put(_Asked(question, answer))
        return await answer

    def _begin(self) -> None:
        for _ in range(self._threads):
            # And not the crew, which they would keep alive.
            arguments = (self._queue, self._answer_all, self._at_once, self._expected)
            threading.Thread(target=_work, args=arguments, daemon=True).start()
            weakref.finalize(self, self._queue.put, None)
        self._has_begun = True


def _work(
    queue: _Queue[Question, Answer],
    answer_all: _AnswerAll[Question, Answer],
    at_once: int,
    expected: Callable[[], int],
) -> None:
    while (first := queue.get()) is not None:
        turn = [first]
        with suppress(Empty):
            _gather(turn, queue, at_once, expected)
        _answer(turn, answer_all)
        del first, turn  # or else this thread would keep the last bodies until the next come


def _gather(
    turn: list[_Asked[Question, Answer]], queue: _Queue[Question, Answer], at_once: int, expected: Callable[[], int]
) -> None:
    """Adds those that wait already, and those that come within a moment. Raises `Empty` where there are no more."""
    latest = time.monotonic() + LONGEST_WAIT_S
    while len(turn) < at_once:
        left_s = latest - time.monotonic() if len(turn) < expected() else 0.0
        asked = queue.get(timeout=min(left_s, LONGEST_PAUSE_S)) if left_s > 0 else queue.get_nowait()
        if asked is None:
            queue.put(None)  # the sign to end is for one thread each
            return
        turn.append(asked)


def _answer(turn: Sequence[_Asked[Question, Answer]], answer_all: _AnswerAll[Question, Answer]) -> None:
    answers: Sequence[Answer | Exception]
    try:
        answers = answer_all([asked.question for asked in turn])
    except Exception as error:  # whatever it is, nobody may wait for ever
        answers = [error] * len(turn)
    waiting = [asked.answer for asked in turn]
    with suppress(RuntimeError):  # the loop is closed, and nobody waits
        waiting[0].get_loop().call_soon_threadsafe(_deliver, waiting, answers)


def _deliver(waiting: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer | Exception]) -> None:
    for future, answer in zip(waiting, answers, strict=True):
        if future.done():  # cancelled
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
