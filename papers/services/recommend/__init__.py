"""For you: papers recommended to each reader, computed by workers when something changed, never by a page."""
