"""The policy front end: YAML or JSON with places -> schema -> rule grammar -> documents -> the IR."""

from polc.policy.read import read_policy

__all__ = ["read_policy"]
