"""iptables-save files, scripts of iptables and ip6tables commands, and ipset files to IR."""
