"""What a firewall does with the packets of a class, region by region with the rules that decide, and as a matrix."""
