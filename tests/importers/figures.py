#!/usr/bin/env python3
"""How many of iptables' and nft's own test vectors come back, as the tests hold them to their bars.

Usage: .venv/bin/python tests/importers/figures.py [-v], as root (nft is asked in a namespace of its own). With ``-v``
the rules that do not come back alike are listed. Exit status 3: the corpus is missing.
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
    both = len(letter) + len(meaning)
    print(f"iptables takes {len(taken)}: {_share(len(letter), len(taken))} come back to the letter,")
    print(f"  {_share(len(meaning), len(taken))} in other words for the same, {_share(both, len(taken))} together")
    for one in (one for one in taken if verbose and one not in letter):
        print(f"  {'other words' if one in meaning else 'not alike'}: {one.wanted}")
        for line in iptables.emitted(one) or ["nothing: refused, or met by no packet"]:
            print(f"      {line}")
    refused, accepted = iptables.vectors("FAIL"), iptables.taken_although_refused()
    print(
        f"iptables refuses {len(refused)}: {len(refused) - len(accepted)} are refused, {len(accepted)} stay as they are"
    )
    for rule in accepted:
        print(f"  {rule}: {iptables.HARMLESS.get(rule, 'NOT KNOWN')}")
    with TemporaryDirectory() as directory, ScratchNamespace() as namespace:
        found = nft.tried(namespace, Path(directory))
    other = [one for one in found.kept if one not in found.same]
    loaded = f"this nft loads {found.asked} of {len(nft.vectors())}"
    print(f"{loaded}: {_share(len(found.same), found.asked)} are listed alike,")
    print(f"  {len(other)} in other words, {found.asked - len(found.kept)} are refused with a reason")
    for vector in other if verbose else ():
        print(f"  other words: {vector.rule}")
    return 0


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.1%})"


if __name__ == "__main__":
    raise SystemExit(main())
