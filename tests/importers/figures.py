#!/usr/bin/env python3
"""How many of iptables' and nft's own test vectors come back, as the tests hold them to their bars.

Usage: .venv/bin/python tests/importers/figures.py [-v], as root (nft is asked in a namespace of its own). With ``-v`` the
rules that do not come back alike are listed. Exit status 3: the corpus is missing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import test_iptables_corpus as iptables
import test_nft_vectors as nft
from corpus import CORPUS

from polc.kernel.netns import ScratchNamespace


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", action="store_true", help="list what does not come back alike")
    verbose = parser.parse_args().v
    if not CORPUS.is_dir():
        print(f"the corpus is not at {CORPUS}; POLC_CORPUS names another place", file=sys.stderr)
        return 3
    taken = iptables.vectors("OK")
    letter, meaning = iptables.come_back(taken)
    print(f"iptables takes {len(taken)}: {_share(letter, taken)} come back to the letter, "
          f"{_share(meaning, taken)} in other words for the same, {_share([*letter, *meaning], taken)} together")  # fmt: skip
    if verbose:
        for one in (one for one in taken if one not in letter):
            print(f"  {'other words' if one in meaning else 'not alike'}: {one.wanted}")
            print(
                *(f"      {line}" for line in iptables.emitted(one) or ["nothing: refused, or met by no packet"]),
                sep="\n",
            )
    refused, accepted = iptables.vectors("FAIL"), iptables.taken_although_refused()
    print(
        f"iptables refuses {len(refused)}: {len(refused) - len(accepted)} are refused, {len(accepted)} stay as they are"
    )
    for rule in accepted:
        print(f"  {rule}: {iptables.HARMLESS.get(rule, 'NOT KNOWN')}")
    with TemporaryDirectory() as directory, ScratchNamespace() as namespace:
        found = nft.tried(namespace, Path(directory))
    print(f"this nft loads {found.asked} of {len(nft.vectors())}: {_share(found.same, range(found.asked))} are listed alike, "
          f"{len(found.kept) - len(found.same)} in other words, {found.asked - len(found.kept)} are refused with a reason, "
          f"{len(found.wrong)} do not load")  # fmt: skip
    if verbose:
        for vector in (one for one in found.kept if one not in found.same):
            print(f"  other words: {vector.rule}")
    return 0


def _share(some: object, of: object) -> str:
    count, total = len(some), len(of)  # type: ignore[arg-type]
    return f"{count} ({count / total:.1%})"


if __name__ == "__main__":
    raise SystemExit(main())
