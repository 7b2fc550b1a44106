"""Which machines an address leads to: this one, or another. Pure, by the name alone."""

import ipaddress
from urllib.parse import urlsplit


def is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def other_machine(address: str) -> str | None:
    """The host that an address leads to; None where it leads to this machine, or is no address."""
    host = urlsplit(address).hostname if "://" in address else None
    return host if host and not is_this_machine(host) else None
