"""The curators' desk: what waits, what is decided, and how it is undone. Every act is written to the public log."""
