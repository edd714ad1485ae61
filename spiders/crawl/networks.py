"""Which addresses are in the internet. A crawl asks no other, unless its recipe has `private`.

http://93.184.216.34/             in the internet
http://127.0.0.1:8000/            this machine, plainly written: allowed where the recipe names it
http://0x7f.1:8000/               this machine in disguise, as 2130706433 and 017700000001 are
http://169.254.169.254/           link-local: where clouds keep the keys of a machine
http://[::ffff:10.0.0.1]/         an IPv4 address in another form
http://wiki.example/              a name: what it leads to is looked at before each connection
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import unquote, urlsplit

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

ALLOWED_BY = "`crawl: {private: true}`"
_IN_USE = ipaddress.IPv6Network("2000::/3")  # of IPv6 only this is given out (RFC 4291)
_NUMBERS = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}")


def not_public(address: str) -> str | None:
    """Why an address cannot be in the internet, as far as that can be seen from it alone."""
    host = _host(address)
    if host == "localhost" or host.endswith(".localhost"):
        return f"{host} is this machine"
    number = _number(host)
    if number is None or is_public(number):
        return None
    return f"{host} is {kind(number)}"


def is_this_machine(address: str) -> bool:
    """Is it this machine, plainly written: localhost, 127.0.0.1, ::1?

    Who writes that into a recipe means it. A name or a redirect that leads there does not.
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if "@" in parts.netloc:  # http://wiki.example@127.0.0.1/ looks like another site
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(number: IpAddress) -> bool:
    """Is a number in the internet? One that stands for an IPv4 address is judged by that."""
    if number.is_multicast or not number.is_global:
        return False
    if isinstance(number, ipaddress.IPv4Address):
        return True
    inner = number.sixtofour
    return number in _IN_USE and (inner is None or is_public(inner))


def kind(number: IpAddress) -> str:
    """What a number leads to that is not in the internet."""
    inner = isinstance(number, ipaddress.IPv6Address) and (number.ipv4_mapped or number.sixtofour)
    number = inner or number
    if number.is_loopback:
        return f"this machine ({number})"
    if number.is_link_local:
        return f"the link-local address {number}"
    if number.is_multicast:
        return f"the multicast address {number}"
    if number.is_unspecified:
        return f"the address {number} of no machine"
    return f"the private address {number}"


def _host(address: str) -> str:
    """The host of an address as a resolver reads it: small, dots as dots, none at the end."""
    host = unquote(urlsplit(address).hostname or "")
    return unicodedata.normalize("NFKC", host).replace("。", ".").lower().rstrip(".")


def _number(host: str) -> IpAddress | None:
    """The number that a host is written as: decimal, octal and hexadecimal too; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
