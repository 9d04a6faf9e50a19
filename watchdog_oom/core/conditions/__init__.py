"""When? One file per family of conditions, and their registry."""
