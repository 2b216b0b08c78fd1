"""AffectFusion Edge: what runs on the device. A camera and a microphone in, fused room scores out over MQTT."""

__version__ = "0.1.0"
