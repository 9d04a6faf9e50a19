"""Programs that are started, watched and bounded."""
