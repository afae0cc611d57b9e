"""The one door to the internet: a guarded HTTP client."""
