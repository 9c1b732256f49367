"""What polc says when something is wrong: the model, the codes, and the renderers."""

from polc.diagnostics.model import Collector, Diagnostic, Failure, Label, Severity

__all__ = ["Collector", "Diagnostic", "Failure", "Label", "Severity"]
