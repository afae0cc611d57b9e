"""Authors and organizations: whose papers are whose, and what a page tells of them."""
