"""polc: one declarative firewall policy, compiled to nftables and iptables, and proven in a real kernel."""

__version__ = "0.1.0"
