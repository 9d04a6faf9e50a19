"""What pages that stay on a terminal have in common: keys, the place on the page, folding."""
