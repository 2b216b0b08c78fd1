"""The demonstration: a bundled lesson, an embedded broker, and a screen that shows what a subscriber receives."""
