"""Policy files as trees: what a run that reads many policies reads once."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.policy.files import read_file
from polc.policy.nodes import Node
from polc.policy.schema import policy_gate
from polc.source import SourceFile


class Library:
    """Files by the paths that they were asked for by, as they were at the first time."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceFile] = {}
        self._trees: dict[str, tuple[Node, bool]] = {}

    def source(self, path: str) -> SourceFile:
        """The text of a policy file.

        Raises:
            Failure: POL001 to POL005.
        """
        found = self._sources.get(path)
        if found is None:
            found = self._sources[path] = read_file(path)
        return found

    def tree(self, source: SourceFile) -> tuple[Node, bool]:
        """The tree of a text, and whether the schema lets it pass.

        Raises:
            Failure: it is neither YAML nor JSON.
        """
        if self._sources.get(source.path) is not source:
            return _judged(source)
        if source.path not in self._trees:
            self._trees[source.path] = _judged(source)
        return self._trees[source.path]


def _judged(source: SourceFile) -> tuple[Node, bool]:
    tree = read_tree(source)
    return tree, policy_gate()(tree)


def read_tree(source: SourceFile) -> Node:
    """The tree of a policy's text: JSON by its file name or its looks, else YAML.

    Raises:
        Failure: it is neither.
    """
    from polc.policy.json_reader import read_json

    if source.path.endswith(".json"):
        return read_json(source)
    if source.text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(source)
        except Failure as failure:
            # YAML's flow style begins so too. What is sound JSON but no policy (a key twice) stays said.
            if all(one.code != "POL007" for one in failure.diagnostics):
                raise
    from polc.policy.yaml_reader import read_yaml

    return read_yaml(source)
