"""``affect-edge analyse``: recorded lessons through the loop of the box, several at once, faster than real time.

``lesson`` makes a session of a recording in a process of its own (``worker``), under a ``fingerprint``;
``crew`` runs several of these, and ``edge.session.report`` writes what they found. A lesson is finished or not there
at all: one that was interrupted begins again, because what the tracker, the noise floor and the alarm remember of its
first half is written nowhere, and its statistics are to be the same whatever happened on the way.
"""
