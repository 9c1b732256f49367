"""The three ways into the kernel: libnftables, and iptables over nf_tables and over its own tables."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from polc.backends.iptables import compare as compare_iptables
from polc.backends.iptables import compare_ipsets, ipsets
from polc.backends.iptables import fill as fill_iptables
from polc.backends.iptables.extensions.words import Refused as NoMember
from polc.backends.iptables.load_script import SCRIPT
from polc.backends.iptables.tables import TABLES
from polc.backends.model import Output, OutputFile
from polc.backends.nft import compare as compare_nft
from polc.backends.nft import fill as fill_nft
from polc.backends.nft.refused import Refused as NoForm
from polc.diagnostics import Diagnostic, Failure
from polc.ir.filling import Filling, assigned
from polc.ir.ruleset import Ruleset
from polc.kernel.libnftables import check_available
from polc.kernel.missing import explained
from polc.kernel.netns import Namespace
from polc.kernel.programs import find
from polc.kernel.remote import RemoteNftables
from polc.kernel.steps import TOO_LONG, run_in_steps

_UNFILLED = "a set cannot be filled"


class Loader(Protocol):
    """One way in. ``target`` is the backend (a key of ``BACKENDS``) whose default format it loads."""

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str: ...

    def check(self) -> None:
        """Raises:
        Failure: POL601, the loader or something it needs is not installed.
        """

    def load(self, namespace: Namespace, output: Output, nft: RemoteNftables | None = None) -> None:
        """Load all files of an output, each as atomically as its tool can. ``nft`` is a libnftables that somebody has
        in the namespace already.

        Raises:
            Failure: POL603, refused, with the tool's words.
        """

    def fill(
        self,
        namespace: Namespace,
        rulesets: Sequence[Ruleset],
        fillings: Sequence[Filling],
        nft: RemoteNftables | None = None,
    ) -> None:
        """Put elements into sets of rulesets that are loaded, as somebody does by hand.

        Raises:
            Failure: POL603, refused, with the tool's words.
        """

    def unload(self, namespace: Namespace, output: Output) -> None:
        """Take away what ``load`` has brought, as far as it is not in tables of nft: those somebody else deletes.

        Raises:
            Failure: POL603, refused, with the tool's words.
        """

    def read_back(self, namespace: Namespace, output: Output) -> tuple[OutputFile, ...]:
        """What the kernel now holds, under the names and in the order of the output's files.

        Raises:
            Failure: POL603, it could not be read.
        """
        ...

    def differences(self, emitted: str, listed: str) -> tuple[str, ...]:
        """How a file read back differs in meaning from what was emitted, a sentence each."""
        ...


@dataclass(frozen=True, slots=True)
class NftLoader:
    """JSON commands through libnftables, one transaction (libnftables-json(5))."""

    name: str = "nft"
    target: str = "nft"

    def check(self) -> None:
        check_available()

    def load(self, namespace: Namespace, output: Output, nft: RemoteNftables | None = None) -> None:
        if nft is None:
            with RemoteNftables(namespace) as own:
                self.load(namespace, output, own)
        else:
            for file in output.files:
                try:
                    nft.run_json(file.text)
                except Failure as failure:
                    if not (namespace.own_user and TOO_LONG in failure.diagnostics[0].message):
                        raise explained(failure, file.text) from None
                    # A namespace of an ordinary user's own: nobody is there to see it half loaded.
                    run_in_steps(nft, file.text)

    def fill(
        self,
        namespace: Namespace,
        rulesets: Sequence[Ruleset],
        fillings: Sequence[Filling],
        nft: RemoteNftables | None = None,
    ) -> None:
        if nft is None:
            with RemoteNftables(namespace) as own:
                self.fill(namespace, rulesets, fillings, own)
            return
        for ruleset, sets in zip(rulesets, assigned(rulesets, fillings), strict=True):
            if sets:
                try:
                    nft.run_json(fill_nft.commands(ruleset, sets))
                except NoForm as refused:
                    raise Failure.of("POL603", f"{_UNFILLED}: {refused.reason}") from None

    def unload(self, namespace: Namespace, output: Output) -> None:
        pass

    def read_back(self, namespace: Namespace, output: Output) -> tuple[OutputFile, ...]:
        with RemoteNftables(namespace) as nft:
            return tuple(OutputFile(file.name, nft.list_table(*_table(file.text))) for file in output.files)

    def differences(self, emitted: str, listed: str) -> tuple[str, ...]:
        return compare_nft.differences(emitted, listed)


def _table(commands: str) -> tuple[str, str]:
    """Family and name of the one table that JSON commands add."""
    added = [
        command["add"]["table"] for command in json.loads(commands)["nftables"] if "table" in command.get("add", ())
    ]
    family, name = {(table["family"], table["name"]) for table in added}.pop()
    return family, name


LONGEST = 600
"""Seconds that a tool may take to load or list a ruleset."""

IPTABLES_TOOLS: dict[str, str] = {"rules.v4": "iptables", "rules.v6": "ip6tables"}
"""Output file of rules -> the tool of its family."""


@dataclass(frozen=True, slots=True)
class IptablesLoader:
    """``iptables-restore`` and ``iptables-save`` of one ``variant``, for both families (iptables-restore(8)).

    Both variants take a file table by table, each at its ``COMMIT``. So every file is first tried with ``--test``, and
    none is loaded unless all passed; and what only the kernel refuses, which ``--test`` does not see, has the rules
    that were there put back.

    Sets are made before all of that, since rules name sets that exist, ``--test`` or not, and filled when all files
    have passed; both variants share them. Those that exist keep their members, but for groups that no rule fills;
    other parameters than theirs are an error of ``ipset``.

    Files of own chains beside those of others are loaded by the script that comes with them.
    """

    variant: str
    target: str = "iptables"

    @property
    def name(self) -> str:
        return f"iptables-{self.variant}"

    def check(self) -> None:
        for tool in IPTABLES_TOOLS.values():
            self._restore(tool)
            self._save(tool)

    def load(self, namespace: Namespace, output: Output, nft: RemoteNftables | None = None) -> None:
        texts = {file.name: file.text for file in output.files}
        if SCRIPT in texts:
            self._run_script(namespace, output)
            return
        sets = texts.get(ipsets.FILE)
        restores = [
            (name, text, [self._restore(IPTABLES_TOOLS[name]), "--counters"])
            for name, text in texts.items()
            if name in IPTABLES_TOOLS
        ]
        if sets is not None:
            _run(namespace, [find("ipset"), "-exist", "restore"], ipsets.only_made(sets))
        for _, text, restore in restores:
            _run(namespace, [*restore, "--test"], text)
        before = [_run(namespace, [self._save(IPTABLES_TOOLS[name]), "-c"]) for name, _, _ in restores]
        sets_before = "" if sets is None else _run(namespace, [find("ipset"), "save"])
        try:
            if sets is not None:
                _run(namespace, [find("ipset"), "-exist", "restore"], sets)
            for _, text, restore in restores:
                _run(namespace, restore, text)
        except Failure as refused:
            pairs = zip(restores, before, strict=True)
            former = [(restore, _with_all_tables(saved, text)) for (_, text, restore), saved in pairs]
            if sets is not None:
                former.append(([find("ipset"), "-exist", "restore"], ipsets.former(sets, sets_before)))
            raise Failure((*refused.diagnostics, *_put_back(namespace, former))) from None

    def fill(
        self,
        namespace: Namespace,
        rulesets: Sequence[Ruleset],
        fillings: Sequence[Filling],
        nft: RemoteNftables | None = None,
    ) -> None:
        for ruleset, sets in zip(rulesets, assigned(rulesets, fillings), strict=True):
            if sets:
                try:
                    members = fill_iptables.commands(ruleset, sets)
                except NoMember as refused:
                    raise Failure.of("POL603", f"{_UNFILLED}: {refused.difference.message}") from None
                _run(namespace, [find("ipset"), "restore"], members)

    def unload(self, namespace: Namespace, output: Output) -> None:
        for file in output.files if self.variant == "legacy" else ():
            if file.name in IPTABLES_TOOLS:
                empty = _with_all_tables("", file.text)
                _run(namespace, [self._restore(IPTABLES_TOOLS[file.name])], empty)
        if any(file.name == ipsets.FILE for file in output.files):
            _run(namespace, [find("ipset"), "destroy"])

    def _run_script(self, namespace: Namespace, output: Output) -> None:
        for tool in IPTABLES_TOOLS.values():
            self._restore(tool)
        if any(file.name == ipsets.FILE for file in output.files):
            find("ipset")
        with TemporaryDirectory() as directory:
            for file in output.files:
                (Path(directory) / file.name).write_text(file.text)
            _run(namespace, ["env", f"VARIANT={self.variant}", "sh", str(Path(directory) / SCRIPT)])

    def read_back(self, namespace: Namespace, output: Output) -> tuple[OutputFile, ...]:
        return tuple(
            file if file.name == SCRIPT else OutputFile(file.name, _run(namespace, self._listing(file.name)))
            for file in output.files
        )

    def differences(self, emitted: str, listed: str) -> tuple[str, ...]:
        # A file of rules begins with a table or a comment, a script with its interpreter.
        if emitted.startswith("create "):
            return compare_ipsets.differences(emitted, listed)
        return () if emitted.startswith("#!") else compare_iptables.differences(emitted, listed)

    def _listing(self, name: str) -> list[str]:
        return [find("ipset"), "save"] if name == ipsets.FILE else [self._save(IPTABLES_TOOLS[name])]

    def _restore(self, tool: str) -> str:
        return find(f"{tool}-{self.variant}-restore")

    def _save(self, tool: str) -> str:
        return find(f"{tool}-{self.variant}-save")


def _put_back(namespace: Namespace, former: list[tuple[list[str], str]]) -> tuple[Diagnostic, ...]:
    """Load what was there; what of that fails."""
    problems: tuple[Diagnostic, ...] = ()
    for argv, text in former:
        try:
            _run(namespace, argv, text)
        except Failure as failure:
            problems += failure.diagnostics
    return problems


def _with_all_tables(saved: str, other: str) -> str:
    """What iptables-save printed, and empty those tables that only ``other``, a restore file, has."""
    tables = {line[1:] for line in other.splitlines() if line.startswith("*")}
    there = {line[1:] for line in saved.splitlines() if line.startswith("*")}
    chains = {name: "".join(f":{chain} ACCEPT [0:0]\n" for chain in TABLES[name]) for name in sorted(tables - there)}
    return saved + "".join(f"*{name}\n{policies}COMMIT\n" for name, policies in chains.items())


def _run(namespace: Namespace, argv: list[str], input: str = "") -> str:
    try:
        done = namespace.run(argv, input=input, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        message = f"`{argv[0].rpartition('/')[2]}` was ended: it took more than {LONGEST} seconds"
        raise Failure.of("POL603", message) from None
    if done.returncode != 0:
        words = "; ".join(line for line in done.stderr.splitlines() if line) or f"status {done.returncode}"
        raise Failure.of("POL603", f"`{' '.join([argv[0].rpartition('/')[2], *argv[1:]])}` failed: {words}")
    return done.stdout


LOADERS: tuple[Loader, ...] = (NftLoader(), IptablesLoader("nft"), IptablesLoader("legacy"))
"""All loaders, in the order in which results are shown."""
