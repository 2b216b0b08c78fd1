"""``affect-edge view``: what the loop sees, drawn onto the picture, for whoever looks at their own camera or at a file.

Values of single faces are on the screen and nowhere else: this room has no way to publish, logs none of them, keeps
nothing, and writes a picture only where somebody asks for an annotated copy of a recording that they have anyway.
"""
