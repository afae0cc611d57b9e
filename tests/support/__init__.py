"""What tests share: factories, people, servers, readers of pages."""
