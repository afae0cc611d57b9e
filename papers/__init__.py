"""The site: papers from their sources to pages, search, votes, topics, curation; accounts and setup, too."""
