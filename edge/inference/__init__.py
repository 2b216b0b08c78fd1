"""Running and trusting models: the seam to a runtime (``interpreter``), and the store that checks manifests."""
