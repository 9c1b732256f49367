"""A walk of one packet through the text of a restore file: iptables' own semantics, for the words polc writes."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from walk import Memory, Packet, address_of

from polc.backends.iptables.compare import split_words
from polc.ir.family import Family
from polc.ir.matches import Side
from polc.ir.protocols import PROTOCOLS

FLAGS = ("--set", "--rcheck", "--update", "--rsource", "--rdest")
SIDES = {"src": Side.SADDR, "dst": Side.DADDR}
PROTOCOL_WORDS = {**PROTOCOLS, "ipv6-icmp": 58}


@dataclass(frozen=True, slots=True)
class Test:
    option: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Line:
    """``jump`` is ``-j``, ``-g`` or "" (no target)."""

    tests: tuple[Test, ...]
    jump: str
    target: str
    options: tuple[str, ...]


@dataclass(slots=True)
class Table:
    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[Line]] = field(default_factory=dict)


def parse(text: str) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for line in text.splitlines():
        if line.startswith("*"):
            table = tables[line[1:]] = Table()
        elif line.startswith(":"):
            name, policy, _ = line[1:].split()
            table.policies[name] = policy
        elif line.startswith("-A "):
            words = split_words(line)
            table.rules.setdefault(words[1], []).append(_line(words[2:]))
    return tables


def _line(words: list[str]) -> Line:
    tests: list[Test] = []
    negated = False
    while words:
        word = words.pop(0)
        if word in ("-j", "-g"):
            return Line(tuple(tests), word, words[0], tuple(words[1:]))
        if word == "!":
            negated = True
        else:
            value = "" if word in FLAGS else words.pop(0)
            tests.append(Test(word, f"{value} {words.pop(0)}" if word == "--match-set" else value, negated))
            negated = False
    return Line(tuple(tests), "", "", ())


def run(table: Table, chain: str, packet: Packet, memory: Memory) -> str:
    """The verdict of a built-in chain: ``accept``, ``drop``, ``reject``."""
    return _chain(table, chain, packet, memory) or table.policies[chain].lower()


def _chain(table: Table, chain: str, packet: Packet, memory: Memory) -> str:
    """The verdict, or "" when the packet comes back."""
    for line in table.rules.get(chain, []):
        if not _holds_all(line, packet, memory):
            continue
        match line.target:
            case "ACCEPT" | "DROP" | "REJECT":
                return line.target.lower()
            case "RETURN":
                return ""
            case "LOG":
                prefix = line.options[line.options.index("--log-prefix") + 1] if "--log-prefix" in line.options else ""
                memory.events.append(("log", prefix))
            case "MARK":
                memory.events.append(("mark", str(int(line.options[1].partition("/")[0], 16))))
            case "CT":
                memory.events.append(("helper", line.options[1]))
            case "SET":
                memory.ban(line.options[1], address_of(packet, SIDES[line.options[2]]))
            case "":
                pass
            case _:
                found = _chain(table, line.target, packet, memory)
                if found or line.jump == "-g":
                    return found
    return ""


def _holds_all(line: Line, packet: Packet, memory: Memory) -> bool:
    recent = name = ""
    for test in line.tests:
        match test.option:
            case "-m" | "--comment" | "--mask" | "--seconds" | "--hitcount" | "--limit-burst":
                continue
            case "--set" | "--rcheck" | "--update":
                recent = test.option
            case "--name":
                name = _plain(test.value)
            case "--rsource" | "--rdest" if recent == "--set":
                memory.events.append(("recorded", name))
            case "--rsource" | "--rdest":
                if not memory.ask("hits", name):
                    return False
            case "--limit":
                if not memory.ask("limit", "*"):
                    return False
            case "--hashlimit-name":
                if not memory.ask("limit", _plain(test.value)):
                    return False
            case option if option.startswith("--hashlimit-"):
                continue
            case "--match-set":
                name, side = test.value.split()
                if (address_of(packet, SIDES[side]) in memory.members.get(name, ())) is test.negated:
                    return False
            case _:
                if _holds(test, packet) is test.negated:
                    return False
    return True


def _plain(name: str) -> str:
    """The name of a limit's state without the digest of its settings."""
    return name[:-9]


def _holds(test: Test, packet: Packet) -> bool:
    value = test.value
    match test.option:
        case "-i":
            return _interface(value, packet.iif)
        case "-o":
            return _interface(value, packet.oif)
        case "-s" | "-d":
            return _number(packet, test.option == "-s") in ipaddress.ip_network(value)
        case "--src-range" | "--dst-range":
            low, high = map(ipaddress.ip_address, value.split("-"))
            return int(low) <= int(_number(packet, test.option == "--src-range")) <= int(high)
        case "-p":
            return packet.protocol == (int(value) if value.isdigit() else PROTOCOL_WORDS[value])
        case "--sport" | "--sports":
            return _ports(value, packet.low)
        case "--dport" | "--dports":
            return _ports(value, packet.high)
        case "--icmp-type" | "--icmpv6-type":
            kind, _, code = value.partition("/")
            return packet.low == int(kind) and (not code or packet.high == int(code))
        case "--ctstate":
            return packet.state.name in value.split(",")
        case "--ttl-eq" | "--hl-eq":
            return packet.ttl == int(value)
        case "--ttl-lt" | "--hl-lt":
            return packet.ttl < int(value)
        case "--ttl-gt" | "--hl-gt":
            return packet.ttl > int(value)
        case _:
            raise ValueError(f"{test.option} has no meaning here")


def _number(packet: Packet, source: bool) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    number = packet.saddr if source else packet.daddr
    return ipaddress.IPv4Address(number) if packet.family is Family.IP else ipaddress.IPv6Address(number)


def _interface(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _ports(text: str, port: int) -> bool:
    pairs = (part.partition(":") for part in text.split(","))
    return any(int(low) <= port <= int(high or low) for low, _, high in pairs)
