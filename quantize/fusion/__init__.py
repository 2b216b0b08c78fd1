"""Fusion on a workstation: sessions of learners put together from test data, what fusion makes of them, its training."""
