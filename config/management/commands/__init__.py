"""up, run, prepare, doctor, backup, restore."""
