"""(shared with another area) Status, statistics, scheduling, cleanup, setup."""
