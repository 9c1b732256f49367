"""What the profile must have."""

from __future__ import annotations

from polc.backends.features import Feature
from polc.backends.nft.refused import Refused
from polc.backends.profile import Profile

_JSON = "-json"


def require(profile: Profile, *features: Feature) -> None:
    """Raises:
    Refused: the profile lacks one of them. What JSON alone lacks, text has.
    """
    for one in features:
        if not profile.has(one):
            reason, elsewhere = profile.lacks(one)
            raise Refused(reason, "`--format text`" if one.value.endswith(_JSON) else elsewhere)
