"""Reading what boxes publish, as an MQTT client like any other."""
