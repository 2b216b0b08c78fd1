"""From a Keras model to a verified int8 file: the converter in its capped process, the gate, and the checks."""
