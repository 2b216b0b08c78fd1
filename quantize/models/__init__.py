"""One Keras definition per branch."""
