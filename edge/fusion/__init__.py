"""Readings -> Affect: many faces become one room (``room``), modalities become one state (``late``)."""
