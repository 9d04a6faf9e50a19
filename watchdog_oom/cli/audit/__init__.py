"""``audit``: the journal, shown, followed, verified."""
