"""Search by meaning: vectors of queries and papers, and which papers are close."""
