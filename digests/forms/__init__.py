"""The forms of subscriptions and channels."""
