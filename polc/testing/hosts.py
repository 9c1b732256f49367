"""The host that a policy's tests take it to be on."""

from __future__ import annotations

import json

from polc.diagnostics import Diagnostic, Failure, Label
from polc.policy.nodes import Scalar, plain
from polc.policy.read import Inspection
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.source import SourceFile


def described_host(inspected: Inspection) -> Host | None:
    """What ``settings: {host: ...}`` says; None: nothing.

    Raises:
        Failure: POL061, POL062, POL063, at the setting.
    """
    setting = inspected.merged.settings.get("host")
    if setting is None:
        return None
    node = setting.value
    text = node.text if isinstance(node, Scalar) else json.dumps(plain(node))
    try:
        return read_host(SourceFile("host", text))
    except Failure as failure:
        first = failure.diagnostics[0]
        raise Failure((Diagnostic(first.code, first.message, (Label(node.span),), first.help),)) from None
