"""One file per match extension; ``polc.importers.iptables.registry`` joins them."""
