"""What reference managers and people write, read back: lists of ids, BibTeX, RIS, CSL-JSON, Zotero RDF, EndNote,
PubMed, Web of Science, CSV, Markdown.

Pure, and for files of strangers: each reader goes over its text once, keeps nothing but what names a paper, expands
nothing, and never raises. What can't be read is a row of its own that says why.
"""
