"""Inside a namespace: from each ruleset to the next by the smallest change, on a road. Reads JSON, writes JSON.

``{"road": NAME, "rulesets": [{"files": [[NAME, TEXT], ...], "filled": [...]}, ...]}`` to a list of what is wrong.
"""

from __future__ import annotations

import json
import sys

from polc.backends.model import OutputFile
from polc.diagnostics import Failure
from polc.live.host import Host
from polc.live.roads import ROADS


def main() -> None:
    request = json.load(sys.stdin)
    road, host, wrong = ROADS[request["road"]], Host(), []
    former: tuple[OutputFile, ...] = ()
    for number, one in enumerate(request["rulesets"]):
        files, filled = tuple(OutputFile(*file) for file in one["files"]), frozenset(one["filled"])
        owned = tuple(dict.fromkeys((*road.owned(former), *road.owned(files))))
        try:
            change = road.change(road.read(host, owned, files), files, filled, former)
            if change.changes:
                road.make(host, change)
            left = road.change(road.read(host, owned, files), files, filled, former)
        except Failure as failure:
            if one["name"] in request["lacking"]:
                continue
            wrong.append(f"{number} {one['name']}: {failure}")
            continue
        if left.changes:
            wrong.append(f"{number} {one['name']}: left {left.parts}")
        back = road.way_back(road.read(host, owned, files), owned, files)
        if road.change(road.read(host, owned, files), back, filled, files).changes:
            wrong.append(f"{number} {one['name']}: its own way back is a change")
        former = files
    print(json.dumps(wrong))


if __name__ == "__main__":
    main()
