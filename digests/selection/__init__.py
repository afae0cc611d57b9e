"""Which papers a mail brings: one statement for all mails that are due together, and the parts it is joined from."""
