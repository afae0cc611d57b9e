"""Mail to readers and notices to curators: what is due, what it says, how it leaves."""
