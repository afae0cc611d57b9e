"""Search by meaning: what gives vectors of queries and papers, and finds papers that are close.

`query_vector` is all that a page needs of it, `similar_papers` and `near` find papers; the process behind them is in
`serving.py`, and how a model takes over from another in `state.py`.
"""

from papers.services.embeddings.asking import QueryVector, ask_for_vector, query_vector
from papers.services.embeddings.nearest import Near, near, near_vector, similar_papers
from papers.services.embeddings.progress import EmbeddingProgress, embedding_progress
from papers.services.embeddings.state import CurrentModel, current_model

__all__ = [
    "CurrentModel",
    "EmbeddingProgress",
    "Near",
    "QueryVector",
    "ask_for_vector",
    "current_model",
    "embedding_progress",
    "near",
    "near_vector",
    "query_vector",
    "similar_papers",
]
