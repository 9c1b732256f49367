"""From a compiled policy to the running firewall of one host, and back. ``docs/architecture.md`` says what is where."""
