"""fetch, import_papers, embed, login_link and a few for the sample and counts."""
