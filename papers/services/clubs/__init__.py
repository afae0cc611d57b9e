"""Journal clubs: who takes part, when they meet, and what is on the agenda."""
