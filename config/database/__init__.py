"""Django's PostgreSQL backend, which asks the kernel and not the server whether a kept connection still stands."""
