"""How the site runs: its settings, what is due, signs of life, status and statistics, cleanup, the sample."""
