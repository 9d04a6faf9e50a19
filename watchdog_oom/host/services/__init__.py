"""Services: asked, stopped, started, probed and bounded through the manager this host has."""
