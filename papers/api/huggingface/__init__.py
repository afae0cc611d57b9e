"""The papers contract of Hugging Face's own client, answered by this site: /api/daily_papers and /api/papers."""
