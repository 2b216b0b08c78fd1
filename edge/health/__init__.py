"""How the box itself is doing, and what it does about it: rates, losses, heat, load. Never anything about people."""
