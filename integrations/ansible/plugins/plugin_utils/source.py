# Copyright (c) The polc authors
# MIT License (see https://opensource.org/license/mit)
"""polc on the controller: what the task's options describe as an inventory of one host."""

from __future__ import annotations

import json
import os
import subprocess

from ansible.errors import AnsibleActionFail

SOURCE = ("src", "policy", "variables", "inventory", "host", "base", "controller_executable")
"""Options that are the controller's alone."""


class Source:
    """What a task compiles: ``host`` of the inventory ``path``, or of the text ``text`` if that is ``-``."""

    def __init__(self, options: dict, name: str, folder: str) -> None:
        self.executable = options["controller_executable"]
        self.folder = options["base"] or folder
        self.host = options["host"] or name
        if options["inventory"]:
            if options["src"] or options["policy"] or options["variables"]:
                raise AnsibleActionFail("inventory excludes src, policy and variables")
            self.path, self.text = options["inventory"], None
            return
        if not options["src"] and not options["policy"]:
            raise AnsibleActionFail("one of src, policy and inventory is needed")
        body = {"include": options["src"], "policy": options["policy"], "variables": options["variables"]}
        self.path = "-"
        self.text = json.dumps(
            {"polc-inventory": 1, "hosts": {self.host: {key: one for key, one in body.items() if one}}}
        )

    def compile(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run C(polc compile) of the host with these arguments."""
        argv = [self.executable, "compile", self.path, "--host", glob_quoted(self.host), *arguments]
        try:
            done = subprocess.run(
                argv,
                input=self.text or "",
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            raise AnsibleActionFail(f"cannot run {self.executable} on the controller: {error.strerror}") from error
        # 1 is the answer of --check that something would change.
        if done.returncode not in (0, 1):
            raise AnsibleActionFail(f"polc compile: {done.stderr.strip()}")
        return done


def glob_quoted(name: str) -> str:
    """The pattern that this name alone fits."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)


def profile_words(options: dict) -> list[str]:
    """The arguments that both compile and apply take."""
    words = []
    for key, option in (("target", "--target"), ("profile", "--for"), ("layout", "--layout"), ("ipset", "--ipset")):
        if options[key]:
            words += [option, options[key]]
    if options["allow_approximate"]:
        words += ["--allow-approximate", ",".join(options["allow_approximate"])]
    return words
