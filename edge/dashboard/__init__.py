"""The rooms of a box or of a school in a browser, from what their boxes publish and nothing else."""
