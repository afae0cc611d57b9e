"""The pages of mail: subscribing, preferences, the outbox, notices. Thin: they call services."""
