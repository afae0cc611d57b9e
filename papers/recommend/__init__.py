"""What a reader will like, from what the reader liked: pure arithmetic on words and vectors, without Django.

`terms.py` reads texts, `stream.py` holds the recent papers, `ranker.py` orders them for a reader and says why.
numpy is heavy: only workers and measurements import this package.
"""
