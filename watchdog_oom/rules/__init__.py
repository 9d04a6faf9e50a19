"""What? One file a rule kind: each looks at the turn's snapshot and plans steps. Pure."""
