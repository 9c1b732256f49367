#!/usr/bin/python
# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: compile
short_description: Compile a host's firewall policy on the controller
version_added: 0.1.0
description:
  - Writes the files that a host would load, C(ruleset.nft.json), or C(rules.v4) and C(rules.v6), into a folder of the
    controller. Files that are the same already are not touched.
  - Nothing of it runs on the host.
author:
  - The polc authors (@polc)
requirements:
  - polc on the controller
extends_documentation_fragment:
  - polc.firewall.source
attributes:
  check_mode:
    description: Says whether a file would change.
    support: full
  diff_mode:
    description: There is none.
    support: none
  platform:
    description: The controller's.
    platforms: posix
    support: full
options:
  dest:
    description:
      - A folder on the controller; the files come into a folder of the host's name in it.
    type: path
    required: true
  format:
    description:
      - How to write it, V(json) or V(text) on nft, V(restore) on iptables.
    type: str
    choices: [json, text, restore]
"""

EXAMPLES = r"""
- name: What each host would load
  polc.firewall.compile:
    src: [policies/base.yaml]
    target: nft
    dest: build/
"""

RETURN = r"""
dest:
  description: The folder of the host's files.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.polc.firewall.plugins.module_utils.arguments import COMPILE


def main():
    module = AnsibleModule(argument_spec=COMPILE, supports_check_mode=True)
    module.fail_json(msg="this runs on the controller: the action plugin of this collection does it")


if __name__ == "__main__":
    main()
