"""Tags and filters for the templates of mail."""
