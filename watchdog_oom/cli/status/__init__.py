"""``status``: what the running daemon says of itself."""
