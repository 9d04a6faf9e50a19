"""A database: it only exists."""

import time

while True:
    time.sleep(60)
