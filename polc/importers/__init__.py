"""Firewalls that others wrote, to IR: one package or module a format."""
