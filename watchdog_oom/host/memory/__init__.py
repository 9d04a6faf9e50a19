"""How much memory there is, how long processes wait for it, and which ones the kernel killed."""
