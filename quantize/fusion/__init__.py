"""Fusion on a workstation: sessions of learners put together from data sets, training on them, comparing on them."""
