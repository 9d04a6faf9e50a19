"""A database: it does nothing but be there."""

import time

while True:
    time.sleep(60)
