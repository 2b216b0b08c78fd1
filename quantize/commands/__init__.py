"""The sub-commands of ``affect-quantize``: a module each, with its options, its examples and what it does and prints.

What several share is in ``options``; what those share that train in ``training``, those that judge in ``judging``, and
those that fuse in ``sessions``. Actions import what is heavy when they run, so that ``--help`` is quick.
"""
