"""What lies in a spool, looked at within a budget."""
