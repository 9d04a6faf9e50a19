"""The decision logic: pure values and functions that use no clock, no file and no system module."""
