"""What is said of all packets, held against what single packets meet."""
