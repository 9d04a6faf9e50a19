"""Runs while the image is made, inside its root: the scanner's signatures, and a spool full of stale files."""

from __future__ import annotations

import hashlib
import os
import shutil

SIGNATURES = "/var/lib/clamav/incident.hdb"
SIGNATURE_COUNT = 500_000
SPOOL = "/var/spool/vscan"
STALE_DIRECTORIES = 400
FILES_EACH = 40


def main() -> None:
    """Write both; the owner of the spool is the filter's user, as its package would have it."""
    with open(SIGNATURES, "w") as file:
        for number in range(SIGNATURE_COUNT):
            digest = hashlib.md5(b"%d" % number).hexdigest()
            file.write(f"{digest}:{200 + number % 64}:Mrtg-{number}\n")
    for directory in range(STALE_DIRECTORIES):
        parts = f"{SPOOL}/tmp/amavis-20071102T{directory:06d}-{10_000 + directory:05d}/parts"
        os.makedirs(parts)
        for number in range(FILES_EACH):
            with open(f"{parts}/p{number:03d}", "w") as file:
                file.write(f"Subject: mrtg, {directory}\n\n" + "ERROR: no such graph\n" * (number % 8 + 4))
    for top, directories, files in os.walk(SPOOL):
        os.chmod(top, 0o750)
        for name in (*directories, *files):
            shutil.chown(f"{top}/{name}", "amavis", "amavis")
    shutil.chown(SPOOL, "amavis", "amavis")


if __name__ == "__main__":
    main()
