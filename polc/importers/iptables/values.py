"""Values of options: numbers, ports, addresses, marks, interfaces (libxtables/xtables.c, xtoptions.c)."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.services import SERVICES
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.selectors import InterfacePattern

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,30}|0[0-7]{0,40}|[1-9][0-9]{0,30}")
_SHORT = re.compile(r"[0-9a-fA-FxX]+(?:\.[0-9a-fA-FxX]+){0,2}")
PORTS = Intervals(((0, 65535),))


def integer(text: str) -> int | None:
    """A number as strtoul(3) reads it with base 0: hexadecimal behind ``0x``, octal behind ``0``. None: it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text, 8 if text[0] == "0" else 10)


def number(word: Word, low: int, high: int, what: str = "number") -> int:
    """Raises:
    Problem: it is no number of ``low..high``.
    """
    found = integer(word.text)
    if found is None or not low <= found <= high:
        raise wrong(word, f"`{word.text}` is no {what} from {low} to {high}")
    return found


def number_range(word: Word, highest: int, what: str = "number", separator: str = ":") -> tuple[int, int]:
    """``5`` or ``5:9``; an end that is left out is the lowest or the highest.

    Raises:
        Problem: it is neither, or the wrong way round.
    """
    low, high = number_ends(word, highest, what, separator)
    if low > high:
        left, _, right = word.text.partition(separator)
        raise wrong(word, f"`{word.text}` is the wrong way round", help=f"write `{right}{separator}{left}`")
    return low, high


def number_ends(word: Word, highest: int, what: str = "number", separator: str = ":") -> tuple[int, int]:
    """As ``number_range``, either way round.

    Raises:
        Problem: it is no range.
    """
    left, colon, right = word.text.partition(separator)
    if not colon:
        found = number(word, 0, highest, what)
        return found, found
    low = number(Word(left, word.at), 0, highest, what) if left else 0
    return low, number(Word(right, word.at), 0, highest, what) if right else highest


def port(word: Word) -> int:
    """A port, or the name of a service, which stands for the same port of any protocol.

    Raises:
        Problem: it is neither.
    """
    found = integer(word.text)
    if found is None and word.text:
        found = SERVICES.get(word.text)
        if found is None:
            raise wrong(
                word,
                f"`{word.text}` is no port, and no service that polc knows",
                help=did_you_mean(word.text, SERVICES)
                or "what a name stands for is told by /etc/services: write the port",
            )
    if found is None or found > 65535:
        raise wrong(word, f"`{word.text}` is no port from 0 to 65535")
    return found


def port_range(word: Word, separator: str = ":") -> tuple[int, int]:
    """``22``, ``1024:65535``, ``:1023``, ``1024:``.

    Raises:
        Problem: it is none of them, or the wrong way round.
    """
    low, high = port_ends(word, separator)
    if low > high:
        left, _, right = word.text.partition(separator)
        raise wrong(word, f"the range `{word.text}` is the wrong way round", help=f"write `{right}{separator}{left}`")
    return low, high


def port_ends(word: Word, separator: str = ":") -> tuple[int, int]:
    """As ``port_range``, where the kernel takes a range that is the wrong way round, which no port is in.

    Raises:
        Problem: it is no range.
    """
    left, colon, right = word.text.partition(separator)
    if not colon:
        found = port(word)
        return found, found
    low = port(Word(left, word.at)) if left else 0
    return low, port(Word(right, word.at)) if right else 65535


def complement(values: Intervals, highest: int = 65535) -> Intervals:
    return values.complement(0, highest)


def address(word: Word, family: Family) -> int:
    """A whole address.

    Raises:
        Problem: it is none of the family's; names are none.
    """
    found = _numeric(word.text, family)
    if found is not None:
        return found
    other = Family.IP6 if family is Family.IP else Family.IP
    if _numeric(word.text, other) is not None:
        tool = "iptables" if family is Family.IP else "ip6tables"
        raise wrong(word, f"`{word.text}` is no address of {tool}, which is for {_NAMES[family]} alone")
    hint = "write the address: which one a name stands for is looked up once, when the rule is loaded"
    raise wrong(word, f"`{word.text}` is no {_NAMES[family]} address", help=hint)


_AF = {Family.IP: socket.AF_INET, Family.IP6: socket.AF_INET6}
_NAMES = {Family.IP: "IPv4", Family.IP6: "IPv6"}


def _numeric(text: str, family: Family) -> int | None:
    try:
        # What this takes is the same number to every tool.
        return int.from_bytes(socket.inet_pton(_AF[family], text), "big")
    except (OSError, ValueError):
        if family is Family.IP6:
            return None
    # Octets that are left out are zero, and each may be octal or hexadecimal (numeric_to_ipaddr, xtables.c).
    octets = [integer(part) for part in text.split(".")]
    if len(octets) > 4 or not all(one is not None and one < 256 for one in octets):
        return None
    found = 0
    for one in (*octets, 0, 0, 0)[:4]:
        found = found << 8 | (one or 0)
    return found


def masked_address(word: Word, family: Family) -> tuple[int, int]:
    """``192.0.2.0/24`` or ``192.0.2.0/255.255.255.0`` as (address, mask), the address without the bits outside.

    Raises:
        Problem: address or mask is none.
    """
    text, slash, mask_text = word.text.partition("/")
    found = address(Word(text, word.at), family)
    everything = (1 << family.bits) - 1
    if not slash:
        return found, everything
    length = integer(mask_text)
    if length is not None:
        if length > family.bits:
            raise wrong(word, f"a prefix length here is at most {family.bits}")
        mask = everything ^ ((1 << (family.bits - length)) - 1)
    else:
        spelled = _numeric(mask_text, family) if mask_text.count(".") == 3 or family is Family.IP6 else None
        if spelled is None:
            raise wrong(word, f"`{mask_text}` is no mask")
        mask = spelled
    return found & mask, mask


def host(word: Word, family: Family) -> int:
    """As ``address``, where the last of fewer octets than four is all that is left (xtopt_parse_host, which asks
    inet_aton(3)): `10.1` is 10.0.0.1.

    Raises:
        Problem: it is no address.
    """
    if family is Family.IP and _SHORT.fullmatch(word.text):
        try:
            return int.from_bytes(socket.inet_aton(word.text), "big")
        except OSError as error:
            raise wrong(word, f"`{word.text}` is no {_NAMES[family]} address") from error
    return address(word, family)


def host_and_mask(word: Word, family: Family) -> tuple[int, int]:
    """As ``masked_address``, with the bits outside the mask, of an address that is read as by ``host``.

    Raises:
        Problem: address or mask is none.
    """
    text, slash, mask = word.text.partition("/")
    found = host(Word(text, word.at), family)
    return found, masked_address(Word(f"{format_address(family, found)}{slash}{mask}", word.at), family)[1]


def masked_ranges(value: int, mask: int, bits: int, most: int) -> Intervals | None:
    """The numbers that are ``value`` under ``mask``, None where they are more than ``most`` ranges."""
    everything = (1 << bits) - 1
    if mask == everything:
        return Intervals.single(value)
    hosts = ~mask & everything
    low_run = (hosts ^ (hosts + 1)) >> 1
    free = hosts & ~low_run
    count = bin(free).count("1")
    if count > most.bit_length() - 1:
        return None
    starts = [value]
    for bit in range(bits):
        if free >> bit & 1:
            starts += [one | 1 << bit for one in starts]
    return Intervals.of((one, one | low_run) for one in starts)


def address_range(word: Word, family: Family) -> tuple[int, int]:
    """``192.0.2.1-192.0.2.9`` or one address; the ends may be the wrong way round, which nothing is in.

    Raises:
        Problem: an end is no address.
    """
    left, dash, right = word.text.partition("-")
    low = address(Word(left, word.at), family)
    return low, address(Word(right, word.at), family) if dash else low


def mark(word: Word) -> tuple[int, int | None]:
    """``0x1`` or ``0x1/0xff`` as value and mask.

    Raises:
        Problem: one of them is no number of 32 bits.
    """
    value, slash, mask = word.text.partition("/")
    found = number(Word(value, word.at), 0, 0xFFFFFFFF, "mark")
    return found, number(Word(mask, word.at), 0, 0xFFFFFFFF, "mask") if slash else None


def mac(word: Word) -> int:
    """Raises:
    Problem: it is no address such as ``02:00:00:00:00:01``.
    """
    parts = word.text.split(":")
    if len(parts) != 6 or not all(re.fullmatch("[0-9a-fA-F]{1,2}", one) for one in parts):
        raise wrong(word, f"`{word.text}` is no MAC address", help="as in `02:00:00:00:00:01`")
    return int("".join(one.rjust(2, "0") for one in parts), 16)


def interface(word: Word) -> InterfacePattern:
    """A name, or with a ``+`` at its end the beginning of names; ``+`` alone is the beginning of every name.

    Raises:
        Problem: it is empty or has more than 15 bytes.
    """
    text = word.text
    if not text:
        raise wrong(word, "the name of an interface is empty")
    if len(text.encode("utf-8", "replace")) > 15:
        raise wrong(word, f"`{text}` is no name of an interface: those have at most 15 bytes")
    if "/" in text or any(c.isspace() for c in text):
        raise wrong(word, f"no interface can have the name `{text}`")
    return InterfacePattern(text.removesuffix("+"), text.endswith("+"))


def choice(word: Word, known: Mapping[str, str | int], what: str) -> str:
    """The one of the known words that this is, whichever case it is in.

    Raises:
        Problem: it is none of them.
    """
    found = next((one for one in known if one.lower() == word.text.lower()), None)
    if found is None:
        raise wrong(word, f"`{word.text}` is no {what}", help=did_you_mean(word.text, known) or one_of(known))
    return found


def one_of(known: Mapping[str, str | int]) -> str:
    return f"one of {', '.join(f'`{one}`' for one in known)}"


def listed(word: Word) -> list[Word]:
    """The parts of a list with commas."""
    return [Word(part, word.at) for part in word.text.split(",")]
