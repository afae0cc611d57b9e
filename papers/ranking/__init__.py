"""Pure arithmetic: what a reader will like, what is like a paper, what is trending, where the bars of a chart stand.

Only `recommend.py`, `stream.py` and `day_clusters.py` load numpy, which is heavy: workers and measurements import them,
pages don't.
"""

import os

# Its products are small. Threads that wait for each other cost five times what they save where the machine has other
# work; and a worker is to take one processor.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
