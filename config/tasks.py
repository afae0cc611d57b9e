"""What the workers do that is of no app: the backup on its schedule."""
