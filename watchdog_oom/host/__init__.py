"""The only package that touches the system: sensors and actuators."""
