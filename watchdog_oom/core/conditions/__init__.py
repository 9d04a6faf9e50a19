"""When? One file a family of conditions, and their registry."""
