"""What changes subscriptions and mail: keyword-only functions that own their transactions."""
