"""Sealed bytes: ciphertext under one account's key, and the column type that stores nothing else.

A `Sealed` column refuses plain `bytes` and `str`: plaintext cannot reach the database, its log or its dumps by mistake.
Layout: version (1 byte), key id (16), nonce (12), ciphertext and its GCM tag (16 longer than the plaintext).
"""

from typing import Any

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator


class SealedBytes(bytes):
    """What `AccountKey.seal` returns. Make one nowhere else."""


def place(column: str, row_id: str) -> str:
    """Where a sealed column's bytes stand, to which they are bound: `place("labels.transcript", clip_id)`."""
    return f"{column}:{row_id}"


class Sealed(TypeDecorator[SealedBytes]):
    """A column of `SealedBytes`."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: SealedBytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        if value is not None and not isinstance(value, SealedBytes):
            raise TypeError("A sealed column takes what AccountKey.seal returns, and nothing else.")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> SealedBytes | None:  # noqa: ARG002
        return None if value is None else SealedBytes(value)
