"""Passwords: what takes as long where there is no account."""

from argon2 import PasswordHasher

from corpus.identity.accounts import HASH_OF_NOBODY


def test_comparing_with_no_account_costs_as_much_as_with_a_password_hashed_now() -> None:
    assert not PasswordHasher().check_needs_rehash(HASH_OF_NOBODY)
