"""The versions lab: every golden and example loaded with the tools of several generations of Debian.

``scripts/versions`` runs it; docs/versions.md has what it does and the last result.
"""
