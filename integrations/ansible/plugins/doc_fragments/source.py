# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)
"""Options that policy and compile share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  src:
    description:
      - Policy files on the controller, by paths relative to O(base).
      - Each can include others.
    type: list
    elements: str
    default: []
  policy:
    description:
      - Sections of a policy, such as C(addresses) or C(input), which stand behind those of O(src).
      - Rules are added; definitions, settings and defaults replace those of files.
    type: dict
    default: {}
  variables:
    description:
      - Values of C(${name}) in O(src) and O(policy), texts, integers or lists of them.
      - C(${host}) is the host's name.
    type: dict
    default: {}
  inventory:
    description:
      - An inventory of polc on the controller, in place of O(src), O(policy) and O(variables).
    type: path
  host:
    description:
      - The host's name, there and in C(${host}); the inventory's name of the host if not given.
    type: str
  base:
    description:
      - The folder on the controller that paths are relative to; the folder of the play if not given.
    type: path
  target:
    description:
      - What runs the policy.
      - Left out, it is what O(inventory) says, or else C(nft).
    type: str
    choices: [nft, iptables]
  profile:
    description:
      - What the host can do, as C(polc compile --for), for example V(debian-12).
    type: str
  layout:
    description:
      - On iptables, whole tables or chains beside those of others.
    type: str
    choices: [whole, coexist]
  ipset:
    description:
      - On iptables, which groups of addresses become ipsets.
    type: str
    choices: [auto, always, never]
  allow_approximate:
    description:
      - Approximations that are agreed to, by the names that refusals give, or V(all).
    type: list
    elements: str
    default: []
  controller_executable:
    description:
      - polc on the controller.
    type: str
    default: polc
"""
