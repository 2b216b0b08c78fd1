"""The broker on the box: from the configuration to mosquitto's files. Runs at installation, not beside the loop."""
