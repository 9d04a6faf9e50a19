"""What decides: pure values and functions, without a clock, a file or a system module."""
