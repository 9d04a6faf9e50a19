"""What only a whole machine can show: who acts first when memory runs out, and who is late while it is thrashing."""
