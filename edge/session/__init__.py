"""A lesson in numbers: statistics of the room's states while they pass, none of them about a person."""
