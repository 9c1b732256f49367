"""What a road into the kernel is: how the firewall that runs there is read, compared and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from polc.backends.model import OutputFile
from polc.live.change import Change
from polc.live.counted import Counted, FilledSet
from polc.live.host import Host

Files = tuple[OutputFile, ...]


class Road(Protocol):
    """``name`` is what the state directory calls it, ``target`` the backend whose default format it takes.

    ``whole``: a change of it is one transaction, and whoever is killed in it leaves the old or the new. Where that is
    not so, a guard puts back what a killed polc leaves half done.
    """

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def whole(self) -> bool: ...

    def owned(self, files: Files) -> tuple[str, ...]:
        """What of the host a ruleset has for itself, in words: tables of nft, or chains and tables of iptables."""
        ...

    def read(self, host: Host, owned: Sequence[str], wanted: Files) -> Files:
        """What of ``owned`` the kernel holds, as it lists it; ``wanted`` says which sets belong to it.

        Raises:
            Failure: POL601, POL603.
        """
        ...

    def there(self, seen: Files, owned: Sequence[str]) -> tuple[str, ...]:
        """Of ``owned`` what is there at all."""
        ...

    def way_back(self, seen: Files, owned: Sequence[str], wanted: Files) -> Files:
        """Files that lead back to what was seen, of the form of those that a backend writes.

        Raises:
            Failure: POL624, what was seen cannot be said so.
        """
        ...

    def change(
        self, seen: Files, wanted: Files, filled: frozenset[str], former: Files = (), *, anew: bool = False
    ) -> Change:
        """The smallest change from what was seen to ``wanted``; ``anew``: all of it in the place of what is there.

        ``filled`` are sets that are filled at run time, whose elements are no difference; ``former`` is what was wanted
        before.
        """
        ...

    def make(self, host: Host, change: Change) -> None:
        """Do it.

        Raises:
            Failure: POL603, it was refused. On a road that is ``whole`` nothing has changed then.
        """
        ...

    def boot(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """Commands of sh(1) that load the files of these names, which stand beside the script, in a kernel that has
        just started; by the names that the backend gave them.
        """
        ...

    def counts(self, seen: Files, wanted: Files) -> tuple[Counted, ...]:
        """What rules have counted, by the lines that ``wanted`` has for them."""
        ...

    def filled(self, seen: Files, names: frozenset[str]) -> tuple[FilledSet, ...]:
        """What the sets hold that are filled at run time."""
        ...
