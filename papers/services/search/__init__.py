"""Search by words and by meaning; docs/search.md says how results are ranked."""
