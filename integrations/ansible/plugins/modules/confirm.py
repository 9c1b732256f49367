#!/usr/bin/python
# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: confirm
short_description: Keep what polc has applied and what waits to be confirmed
version_added: 0.1.0
description:
  - What C(polc apply --confirm) has applied stays. M(polc.firewall.policy) does this by itself.
author:
  - The polc authors (@polc)
requirements:
  - polc and root on the host
attributes:
  check_mode:
    description: Nothing is confirmed.
    support: full
  diff_mode:
    description: There is none.
    support: none
  platform:
    description: Linux.
    platforms: linux
    support: full
options:
  entry:
    description:
      - Only if this entry of the history is the one that waits.
    type: int
  executable:
    description:
      - polc on the host.
    type: str
    default: polc
  state_dir:
    description:
      - Where the host keeps its history; C(/var/lib/polc) if not given.
    type: path
"""

EXAMPLES = r"""
- name: What has been applied stays
  polc.firewall.confirm:
  become: true
"""

RETURN = r"""
confirmed:
  description: The entry that stays.
  returned: success
  type: int
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.polc.firewall.plugins.module_utils.arguments import CONFIRM


def main():
    module = AnsibleModule(argument_spec=CONFIRM, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False)
    argv = [module.params["executable"], "confirm", "--output-format", "json"]
    if module.params["entry"] is not None:
        argv.append(str(module.params["entry"]))
    if module.params["state_dir"]:
        argv += ["--state-dir", module.params["state_dir"]]
    status, out, err = module.run_command(argv)
    if status != 0:
        module.fail_json(msg=err.strip() or out.strip(), rc=status)
    module.exit_json(changed=True, confirmed=json.loads(out)["confirmed"])


if __name__ == "__main__":
    main()
