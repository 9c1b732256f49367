"""The meeting point and the meaning: an nft-shaped model of a firewall.

Each node has one meaning, written in its docstring with the man page or kernel file that it follows.
Nodes are frozen and slotted, children are tuples, and where a node came from stands outside equality.
"""
