"""Tags and filters of the templates. No queries."""
