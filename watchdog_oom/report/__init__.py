"""The morning page: what a night's records and samples say happened, why, and what to do now. Decides nothing."""
