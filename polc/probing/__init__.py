"""Probes: packets about each rule of a firewall, and what becomes of them in the simulator and in the kernel."""
