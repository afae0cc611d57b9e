"""Search by meaning: what gives vectors of queries and papers, and finds papers that are close.

`query_vector` is all that a page needs of it, `similar_papers` and `near` find papers; the process behind them is in
`serving.py`, and how a model takes over from another in `state.py`.
"""
