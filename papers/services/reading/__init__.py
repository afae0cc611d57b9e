"""What readers do: vote, comment, tag, keep a library, follow, mute; and what they have seen."""
