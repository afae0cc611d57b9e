"""All that writes, and reads that need more than one model: a folder for each thing the site does."""
