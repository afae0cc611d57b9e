"""Records of papers, as sources send them, become papers. `store_papers` and `store_batch` are the ways in."""

from papers.services.ingest.batches import RunLost, store_batch
from papers.services.ingest.cleaning import CleanPaper, RecordError, clean
from papers.services.ingest.storing import Stored, store_papers

__all__ = ["CleanPaper", "RecordError", "RunLost", "Stored", "clean", "store_batch", "store_papers"]
