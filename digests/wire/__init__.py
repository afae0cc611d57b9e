"""How a mail leaves: SMTP, transports, MIME."""
