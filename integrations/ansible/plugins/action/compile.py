# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)
"""polc.firewall.compile: a host's files, on the controller."""

from __future__ import annotations

import re

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.polc.firewall.plugins.module_utils.arguments import COMPILE
from ansible_collections.polc.firewall.plugins.plugin_utils.source import Source, profile_words

_CHANGED = re.compile(r"^\d+ hosts: (\d+) (?:written|would change)", re.MULTILINE)


class ActionModule(ActionBase):
    """Nothing of it runs on the host, so a host that is down has its files compiled too."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _ignored, options = self.validate_argument_spec(COMPILE)
        name = (task_vars or {}).get("inventory_hostname", "localhost")
        source = Source(options, name, self._loader.get_basedir())
        words = profile_words(options)
        if options["format"]:
            words += ["--format", options["format"]]
        if self._task.check_mode:
            words.append("--check")
        done = source.compile(*words, "-o", options["dest"])
        found = _CHANGED.search(done.stdout)
        if found is None:
            raise AnsibleActionFail(f"polc compile: {done.stderr.strip() or done.stdout.strip()}")
        result["changed"] = found[1] != "0"
        result["dest"] = f"{options['dest'].rstrip('/')}/{source.host}"
        if done.stderr.strip():
            result["warnings"] = [done.stderr.strip()]
        return result
