"""The daemon's side of the flight recorder: every tick is handed to a child, which alone encodes and writes."""
