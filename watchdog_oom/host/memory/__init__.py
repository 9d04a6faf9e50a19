"""How much memory there is, how long is waited for it, and whom the kernel killed."""
