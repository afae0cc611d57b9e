"""Pages and buttons of mail."""
