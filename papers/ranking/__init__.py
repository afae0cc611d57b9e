"""What a reader will like, from what the reader liked: pure arithmetic on words and vectors, without Django.

`terms.py` reads texts, `stream.py` holds the recent papers, `ranker.py` orders them for a reader and says why.
numpy is heavy: only workers and measurements import this package, and before anything else that loads numpy.
"""

import os

# Its products are small. Threads that wait for each other cost five times what they save where the machine has other
# work; and a worker is to take one processor.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
