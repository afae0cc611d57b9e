"""Papers in the formats of reference managers and other programs: one pure writer a file."""
