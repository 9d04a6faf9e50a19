"""``check``: whether policies are valid, what they match on this host, and what they are warned of."""
