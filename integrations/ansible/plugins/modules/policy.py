#!/usr/bin/python
# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: policy
short_description: Run a firewall policy on a host, with a way back
version_added: 0.1.0
description:
  - Puts the policy together on the controller (files, sections, variables), and has C(polc apply) run it on the host by
    the smallest change, in one transaction.
  - Then confirms over a fresh connection. A host that lets nobody in any more is not confirmed, and goes back by itself
    to what ran before, whatever has become of the connection or the controller.
  - A policy that would cut off the connection that Ansible sits on is refused; see O(force).
author:
  - The polc authors (@polc)
requirements:
  - polc on the controller and on the host
  - root on the host, for example by C(become)
extends_documentation_fragment:
  - polc.firewall.source
attributes:
  check_mode:
    description: Says what would change, which is exactly what a run then changes.
    support: full
  diff_mode:
    description: Rules, sets and elements that come and go.
    support: full
  platform:
    description: Linux.
    platforms: linux
    support: full
options:
  variant:
    description:
      - On iptables, over nf_tables or iptables' own; what the host calls iptables if not given.
    type: str
    choices: [nft, legacy]
  confirm:
    description:
      - Seconds within which a fresh connection must come in, or what ran before comes back.
      - V(0) applies without a way back.
    type: int
    default: 60
  force:
    description:
      - Also where the new rules cut off the one who is applying them. O(confirm) takes them back then.
    type: bool
    default: false
  adopt:
    description:
      - Also where the host has a table of this name, or rules in these tables, that polc has not loaded.
    type: bool
    default: false
  replace:
    description:
      - The whole table anew, and not the smallest change; counters and bans are lost.
    type: bool
    default: false
  count:
    description:
      - On nft, have every rule count.
    type: bool
    default: false
  executable:
    description:
      - polc on the host.
    type: str
    default: polc
  state_dir:
    description:
      - Where the host keeps its history; C(/var/lib/polc) if not given.
    type: path
  content:
    description:
      - Set by the controller; the policy in one piece.
    type: str
  words:
    description:
      - Set by the controller; how it is compiled.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The policy of this host
  polc.firewall.policy:
    src:
      - policies/base.yaml
      - "policies/{{ role }}.yaml"
    variables:
      wan: "{{ ansible_facts['default_ipv4']['interface'] }}"
    policy:
      addresses:
        admins: "{{ admin_networks }}"
    confirm: 60
  become: true

- name: A host of an inventory of polc
  polc.firewall.policy:
    inventory: firewall/inventory.yaml
  become: true
"""

RETURN = r"""
plan:
  description: What C(polc plan --output-format json) says.
  returned: always
  type: dict
  contains:
    changed:
      description: Whether the kernel holds something else than the policy.
      type: bool
    parts:
      description: Rules, sets, chains and elements to add, remove and replace, with their lines of the policy.
      type: list
      elements: dict
    lost:
      description: What the running ruleset remembers and would forget.
      type: list
      elements: str
    locked_out:
      description: Whether it would cut off the one who applies it.
      type: bool
entry:
  description: The number of what runs now in C(polc history).
  returned: when applied
  type: int
confirm_within:
  description: Seconds that there were to confirm; null where nothing had to be.
  returned: when applied
  type: float
confirmed:
  description: Whether a fresh connection came in and confirmed.
  returned: when there was something to confirm
  type: bool
confirmed_after:
  description: Seconds from the beginning to the confirmation.
  returned: when confirmed
  type: float
rolled_back:
  description: The host has gone back to what ran before.
  returned: when no new connection came in
  type: bool
"""

import json
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.polc.firewall.plugins.module_utils.arguments import POLICY

NAME = "policy.yaml"
"""The same at each run: rules have it in their comments."""
_SIGNS = {"add": "+", "remove": "-", "replace": "~"}


def options_of(parameters):
    words = list(parameters["words"])
    for key in ("adopt", "replace", "count"):
        if parameters[key]:
            words.append("--" + key)
    for key, option in (("variant", "--variant"), ("state_dir", "--state-dir")):
        if parameters[key]:
            words += [option, parameters[key]]
    return words


def difference(plan):
    """The plan as lines for C(--diff)."""
    lines = [
        "{} {}".format(_SIGNS.get(one["action"], "?"), one["text"] or one["name"]) for one in plan.get("parts", ())
    ]
    lines += [f"lost: {one}" for one in plan.get("lost", ())]
    return "".join(line + "\n" for line in lines)


def main():
    module = AnsibleModule(argument_spec=POLICY, supports_check_mode=True)
    parameters = module.params
    if parameters["content"] is None:
        module.fail_json(msg="content is missing: the action plugin of this collection sets it")
    verb = "plan" if module.check_mode else "apply"
    argv = [parameters["executable"], verb, NAME, "--output-format", "json", *options_of(parameters)]
    if verb == "apply":
        if parameters["confirm"]:
            argv += ["--confirm", str(parameters["confirm"])]
        if parameters["force"]:
            argv.append("--force")
    folder = tempfile.mkdtemp(prefix="polc-", dir=module.tmpdir)
    with open(os.path.join(folder, NAME), "w", encoding="utf-8") as file:
        file.write(parameters["content"])
    status, out, err = module.run_command(argv, cwd=folder)
    try:
        found = json.loads(out)
    except ValueError:
        module.fail_json(msg="polc {}: {}".format(verb, err.strip() or out.strip() or "no answer"), rc=status)
    plan = {key: one for key, one in found.items() if key not in ("applied", "entry", "confirm_within", "recovered")}
    result = {"changed": bool(found["changed"]), "plan": plan}
    if module._diff:
        result["diff"] = {"prepared": difference(plan)}
    if found.get("recovered"):
        module.warn("; ".join(found["recovered"]))
    refused = plan["locked_out"] and not parameters["force"]
    if refused:
        result["changed"] = False
        message = "this would cut off the connection that it is applied over; force applies it all the same"
        module.fail_json(msg=message, **result)
    if status != 0 and not (verb == "plan" and status == 1):
        result["changed"] = False
        module.fail_json(msg=f"polc {verb}: {err.strip()}", rc=status, **result)
    if verb == "apply":
        result.update(entry=found["entry"], confirm_within=found["confirm_within"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
