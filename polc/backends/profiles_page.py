"""``docs/profiles.md``, from the code: ``python -m polc.backends.profiles_page > docs/profiles.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from textwrap import fill

from polc.backends.features import Feature
from polc.backends.profile import HOST, OLDEST, PROFILES, dotted
from polc.backends.requirements import REQUIREMENTS, Requirement

_INTRO = f"""\
# Profiles: the host that a ruleset is for

What nftables and iptables can say depends on the versions of nft, of iptables and of the kernel. `--for` names those of
the host that is to load a ruleset; `polc compile`, `polc verify` and `polc check` take it. This page is made by
`python -m polc.backends.profiles_page`.

```console
$ polc compile policy.yaml --target nft --for debian-12
$ polc compile policy.yaml --target nft --for nft=1.0.6,kernel=5.10
$ polc check policy.yaml --for rhel-9 --target nft --target iptables
$ polc compile policy.yaml --target iptables -o out/ --for {HOST}
```

Where a profile has a better construct, that is used; where it lacks one, the rule is written in other words that mean
the same, or refused with what is missing and which profile has it. Nothing is written in the hope that it will load.
Without `--for` the profile is `{OLDEST.name}`, the oldest: what is written for an old host loads on newer ones.

Versions, as `nft=1.0.6,kernel=5.10,iptables=1.8.9`, may be given for hosts without a name here; a part that is left out
is the oldest that is supported: nft {dotted(OLDEST.nft)}, iptables {dotted(OLDEST.iptables)}, Linux \
{dotted(OLDEST.kernel)}. Older ones are an error.

`{HOST}` is the machine that polc runs on, and is *measured*, not looked up by its versions: each feature below is
loaded in a scratch network namespace, and one that does not load, or is not there when the kernel's state is listed, is
missing. That takes about a second, needs the permission to make namespaces (`POL602` and status 3 where there is none)
and the tools of the target (`POL601`), and touches none of the host's own rules. Distributions put fixes into old
versions and leave modules out of new kernels, so this is the most exact profile; for another machine, run it there.

`polc check --for PROFILE` also reports each rule that a target could not hold on that host: what is refused is an
error, an approximation a note.

## Profiles
"""

_FEATURES = """
## Features that depend on versions

The kernels of RHEL have much of newer ones; here they are taken by their number. What no version here lacks is left
out.
"""

_OPTIONS = f"""
## What a kernel may have been built without

Every version that is supported has these, and every profile but `{HOST}`; a kernel for containers or routers may lack
some.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _INTRO
    yield from _table(
        ("profile", "nft", "iptables", "Linux"),
        ((f"`{one.name}`", dotted(one.nft), dotted(one.iptables), dotted(one.kernel)) for one in PROFILES.values()),
    )
    yield (
        "\nRHEL is 9.5 or newer, of whose iptables there is the nft variant alone; the others are as they "
        "were released."
        " Updates of\na release keep the versions."
    )
    yield _FEATURES
    differing = [one for one in Feature if not all(profile.has(one) for profile in PROFILES.values())]
    yield from _table(
        ("feature", "what it is", "takes", *(f"`{name}`" for name in PROFILES), "source"),
        (
            (
                f"`{one.value}`",
                REQUIREMENTS[one].what,
                _takes(REQUIREMENTS[one]),
                *("yes" if profile.has(one) else "-" for profile in PROFILES.values()),
                REQUIREMENTS[one].source,
            )
            for one in differing
        ),
    )
    yield _OPTIONS
    for title, features in (
        ("nft", [one for one in Feature if one.target == "nft" and one not in differing]),
        ("iptables, matches", _of("match")),
        ("iptables, targets", _of("target")),
        ("iptables, types of ipsets", _of("ipset")),
    ):
        names = ", ".join(f"`{one.value.partition(' ')[2] or one.value}`" for one in features)
        yield fill(f"**{title}**: {names}.", 118, break_long_words=False, break_on_hyphens=False) + "\n"


def _of(kind: str) -> list[Feature]:
    return [one for one in Feature if one.value.startswith(f"{kind} ")]


def _takes(needed: Requirement) -> str:
    parts = (("nft", needed.nft), ("iptables", needed.iptables), ("Linux", needed.kernel))
    return ", ".join(f"{part} {dotted(version)}" for part, version in parts if version is not None)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
