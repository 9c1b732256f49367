"""The iptables target: files for iptables-restore and ip6tables-restore, legacy and nft variants alike."""
