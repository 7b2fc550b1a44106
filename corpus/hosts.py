"""Which machine an address leads to: this one, or another. Pure, by the name alone."""

import ipaddress
from urllib.parse import urlsplit

from corpus.errors import Misconfigured


def is_this_machine(host: str) -> bool:
    """`host` is in lower case. What is not surely this machine counts as another."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def other_machine(address: str) -> str | None:
    """The host that an address leads to; None where it leads to this machine, or is no address.

    Raises `Misconfigured` where nobody can tell, without the address, which may hold a secret.
    """
    if "://" not in address:
        return None
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    if not host:
        raise Misconfigured("An address of LOANWORD_RECOGNISER names no host that can be read.")
    return None if is_this_machine(host) else host
