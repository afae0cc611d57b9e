"""The tables of papers, release by release; functions and triggers of the database in sql/."""
