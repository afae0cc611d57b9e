"""What an operator's programs are told."""
