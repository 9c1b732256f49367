# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)
"""What modules take, as their pages document it; their actions take the same."""

from __future__ import annotations

SOURCE = {
    "src": {"type": "list", "elements": "str", "default": []},
    "policy": {"type": "dict", "default": {}},
    "variables": {"type": "dict", "default": {}},
    "inventory": {"type": "path"},
    "host": {"type": "str"},
    "base": {"type": "path"},
    "target": {"type": "str", "choices": ["nft", "iptables"]},
    "profile": {"type": "str"},
    "layout": {"type": "str", "choices": ["whole", "coexist"]},
    "ipset": {"type": "str", "choices": ["auto", "always", "never"]},
    "allow_approximate": {"type": "list", "elements": "str", "default": []},
    "controller_executable": {"type": "str", "default": "polc"},
}
COMPILE = {
    **SOURCE,
    "format": {"type": "str", "choices": ["json", "text", "restore"]},
    "dest": {"type": "path", "required": True},
}
POLICY = {
    **SOURCE,
    "variant": {"type": "str", "choices": ["nft", "legacy"]},
    "confirm": {"type": "int", "default": 60},
    "force": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    "replace": {"type": "bool", "default": False},
    "count": {"type": "bool", "default": False},
    "executable": {"type": "str", "default": "polc"},
    "state_dir": {"type": "path"},
    "content": {"type": "str"},
    "words": {"type": "list", "elements": "str", "default": []},
}
CONFIRM = {
    "entry": {"type": "int"},
    "executable": {"type": "str", "default": "polc"},
    "state_dir": {"type": "path"},
}
