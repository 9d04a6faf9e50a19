"""The control socket: root's requests to the running daemon, one line of JSON each, and the answers."""
