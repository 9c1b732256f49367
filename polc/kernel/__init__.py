"""What needs a kernel: scratch namespaces, loading, reading back. Nothing here touches the host's own rules."""
