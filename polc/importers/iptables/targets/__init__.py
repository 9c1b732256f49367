"""One file per target extension; ``polc.importers.iptables.registry`` joins them."""
