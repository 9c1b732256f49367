"""The canonical form of policies: what ``polc fmt`` writes."""
