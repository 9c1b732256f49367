"""Differential fuzzing: random firewalls, of which every judge of this project has to say the same."""
