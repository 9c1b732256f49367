"""Tests that policies bring along: read, run in the simulator or with real packets, and reported."""
