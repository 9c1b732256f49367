"""Connection tracking as the kernel does it; every function names the file that it follows."""
