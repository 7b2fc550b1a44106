"""Two transactions that wait for each other: PostgreSQL ends one of them, and it is done over."""

from threading import Barrier, Thread

import pytest
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import DatabaseUnavailable
from corpus.queries import lock_account
from corpus.words import AccountId
from tests.factories import make_account

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def crossing(house: Collaborators, accounts: list[AccountId], *, over_again: bool) -> list[str]:
    """Two threads that lock two accounts, each beginning with the other's second; how each of them ended."""
    both_hold_one, ended = Barrier(2), list[str]()

    def lock(order: list[AccountId]) -> None:
        first_try = True

        def work(session: Session) -> None:
            nonlocal first_try
            lock_account(session, order[0])
            if first_try:
                first_try = False
                both_hold_one.wait(10)
            lock_account(session, order[1])

        try:
            if over_again:
                house.database.write(work)
            else:
                with house.database.writing() as session:
                    work(session)
            ended.append("done")
        except DatabaseUnavailable as error:
            ended.append("deadlock" if error.is_deadlock else "unavailable")

    threads = [Thread(target=lock, args=(order,)) for order in (accounts, accounts[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


@on_postgresql
@pytest.mark.parametrize(("over_again", "ends"), [(True, ["done", "done"]), (False, ["deadlock", "done"])])
def test_who_was_ended_for_a_deadlock_begins_again(house: Collaborators, over_again: bool, ends: list[str]) -> None:
    accounts = [make_account(house), make_account(house)]

    assert crossing(house, accounts, over_again=over_again) == ends
