"""The daemon's own decision, rehearsed for people: why, why not, how close."""
