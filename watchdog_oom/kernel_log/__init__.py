"""What the kernel's log says of memory that ran out, in every form since Linux 2.4: pure, bytes in, events out."""
