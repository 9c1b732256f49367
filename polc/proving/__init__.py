"""Answers about all packets: assertions, equal outputs, queries; each with a proof or a packet that shows the contrary."""
