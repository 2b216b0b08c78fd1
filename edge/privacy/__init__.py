"""Consent, mute and the minimum group: the only door between fusion and what leaves the box."""
