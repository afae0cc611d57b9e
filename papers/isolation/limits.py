"""What a child that reads strangers' bytes may take. The largest honest files that are accepted need a third of it."""

DEADLINE_SECONDS = 10.0
"""Of the clock on the wall."""
MEMORY_BYTES = 512 * 1024 * 1024
"""Of address space (RLIMIT_AS), which macOS does not enforce."""
IDLE_SECONDS = 60.0
"""After that without a job the program that forks the children ends."""
