# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)
"""polc.firewall.policy: put together on the controller, applied on the host, confirmed over a fresh connection."""

from __future__ import annotations

import time

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.polc.firewall.plugins.module_utils.arguments import POLICY
from ansible_collections.polc.firewall.plugins.plugin_utils.source import Source, profile_words

_HOST_KEYS = ("variant", "confirm", "force", "adopt", "replace", "count", "executable", "state_dir")
_GRACE = 30
"""Seconds after the deadline within which the host is to answer again."""


class ActionModule(ActionBase):
    """The module does what it does on the host; this is what needs the controller."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _ignored, options = self.validate_argument_spec(POLICY)
        if options["confirm"] < 0:
            raise AnsibleActionFail("confirm is a number of seconds, or 0 for none")
        name = (task_vars or {}).get("inventory_hostname", "localhost")
        source = Source(options, name, self._loader.get_basedir())
        flat = source.compile("--flatten")
        arguments = {key: options[key] for key in _HOST_KEYS if options[key] is not None}
        arguments["content"] = flat.stdout
        arguments["words"] = profile_words(options)
        if flat.stderr.strip():
            result.setdefault("warnings", []).append(flat.stderr.strip())
        start = time.monotonic()
        done = self._execute_module(module_name="polc.firewall.policy", module_args=arguments, task_vars=task_vars)
        result.update(done)
        waits = result.get("confirm_within")
        if not result.get("failed") and waits:
            self._confirm(result, options, start, start + waits, task_vars)
        return result

    def _confirm(self, result, options, start, deadline, task_vars):
        """Confirm over a new connection; whoever cannot come in again does not confirm."""
        asked = {"entry": result["entry"], "executable": options["executable"]}
        if options["state_dir"]:
            asked["state_dir"] = options["state_dir"]
        problem = ""
        while time.monotonic() < deadline + _GRACE:
            try:
                self._connection.reset()
                done = self._execute_module(module_name="polc.firewall.confirm", module_args=asked, task_vars=task_vars)
            except AnsibleConnectionFailure as error:
                problem = str(error)
                time.sleep(1)
                continue
            if done.get("failed"):
                result.update(failed=True, changed=False, confirmed=False, rolled_back=True)
                result["msg"] = (
                    f"no new connection came in within {result['confirm_within']:g} seconds, so the host went back to "
                    f"what ran before: {problem or done.get('msg', '')}"
                )
                return
            result["confirmed"] = True
            result["confirmed_after"] = round(time.monotonic() - start, 1)
            return
        result.update(failed=True, unreachable=True, confirmed=False)
        result["msg"] = f"the host does not answer any more, also after its time to confirm has passed: {problem}"
