"""Child processes: started, watched, and limited in time and output."""
