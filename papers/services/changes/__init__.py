"""What changed about papers, in an order in which a mirror can follow without missing anything."""
