"""TOML policies: units, schema, errors with lines, and the typed values the rules read."""
