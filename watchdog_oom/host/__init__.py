"""The only package that touches the system: what is sensed and what is done."""
