"""The difference of two firewalls: exactly which packets they treat differently, in regions that people can read."""
