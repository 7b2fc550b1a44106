"""The codes of a pairing: a short one for people, and a long secret for the device."""

import secrets

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty consonants (RFC 8628, section 6.1): no vowel makes a word of it, and no digit is taken for a letter."""
LENGTH = 8
"""20^8 is 34.6 bits."""
DEVICE_CODE_BYTES = 32
LONGEST_TYPED = 64


def new_user_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def new_device_code() -> str:
    return secrets.token_urlsafe(DEVICE_CODE_BYTES)


def shown(user_code: str) -> str:
    """In two halves, as people read it out."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def as_typed(text: str) -> str:
    """The code in what somebody typed, whatever its case, spaces and dashes; what cannot be one stays wrong."""
    return "".join(letter for letter in text[:LONGEST_TYPED].upper() if letter.isalnum())
