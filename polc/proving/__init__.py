"""Answers about all packets: assertions, outputs, queries; each with a proof, or a packet that shows the contrary."""
