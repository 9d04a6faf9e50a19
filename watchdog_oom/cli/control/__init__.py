"""Commands that speak to the running daemon through its control socket."""
