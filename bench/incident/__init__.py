"""The night that this program was made for, in a real machine: once without a watchdog, and once with each of them."""
