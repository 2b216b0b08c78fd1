"""What runs on a workstation: data sets in, int8 branches with their manifests and model cards out."""
