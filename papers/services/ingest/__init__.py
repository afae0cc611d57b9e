"""How records of sources become papers: `paper_store.store_papers` and `batches.store_batch` are the ways in."""
