"""For you: papers suggested to each reader, worked out by workers when something changed, never while a page waits.

`marking.py` notes that a reader's signals changed, `signals.py` reads them, `recent.py` the papers among which is
chosen, `computing.py` brings the two together and stores what comes out, `showing.py` says it on pages. `computing` and
`recent` load numpy, so only the task imports them; the arithmetic itself is in papers/recommend.
"""
