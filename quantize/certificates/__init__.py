"""What goes with a shipped model: its card, where it comes from, and what made it."""
