"""Authors and organisations: whose papers are whose, and what a page tells of them."""
