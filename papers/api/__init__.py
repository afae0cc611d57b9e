"""What programs ask for: JSON in shapes that their clients know. As the pages do, it checks rights, reads, answers."""
