"""A reader's library brought along: read into a draft, looked at, taken, and what is not here fetched by workers."""
