"""What? One file per kind of rule: each reads the tick's snapshot and plans actions."""
