"""A card that installs itself: the answers of a technician, checked and laid on Raspberry Pi OS's boot partition."""
