"""Topics: which papers each has, and how they are made and changed."""
