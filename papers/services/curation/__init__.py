"""The curators' desk: what waits, what is decided, and how it is undone. Every action is written to the public log."""
