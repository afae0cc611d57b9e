"""What a mail says: from the papers chosen to subject, text and HTML. Knows nothing of servers."""
