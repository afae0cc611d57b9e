"""The tests, in folders as the packages; what they share is in support/, checks of the project itself in meta/."""
