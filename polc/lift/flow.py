"""JSON as YAML in flow style, as `polc fmt` writes it."""

from __future__ import annotations

import json

from polc.policy.format.quoting import written

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def flow(value: Json) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{written(key, flow=True)}: {flow(one)}' for key, one in value.items())}}}"
        case list():
            return f"[{', '.join(map(flow, value))}]"
        case str():
            return written(value, flow=True)
        case _:
            return json.dumps(value)
