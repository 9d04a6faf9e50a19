"""What? One file a kind of rule: each looks at the tick's snapshot and plans actions."""
