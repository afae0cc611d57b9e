"""Records of papers, as sources send them, become papers. `store_papers` and `store_batch` are the ways in."""
