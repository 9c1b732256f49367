"""Rules that ask for members of groups which nothing fills."""

from __future__ import annotations

GROUPS = """\
polc: 1
addresses:
  banned: {dynamic: true}
  friends: {dynamic: true, timeout: 1h, size: 20}
  nets: {dynamic: true, networks: true}
input:
  default: drop
  rules:
    - drop tcp/1 from @banned
    - accept tcp/2 from @nets
    - accept tcp/3 from not @friends
    - accept tcp/4 from @friends to @banned
    - accept tcp/1
"""
