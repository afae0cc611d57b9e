"""The rows of a list of papers and what the viewer has to do with them. No HTML."""
