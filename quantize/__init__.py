"""What runs on a workstation: data sets in, int8 branches with their manifests and model cards out."""

import os

# TensorFlow reads it when it is first imported, which nothing does before this package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
