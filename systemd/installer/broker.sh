# shellcheck shell=bash
# The broker on this box, where the configuration has one.

# Takes the network away from a service that reaches its broker through a file.
install_local_broker() {
  local release=$1 part=$UNITS/$UNIT.d/local-broker.conf
  case $(way_to_broker "$release") in
    socket) place "$release/app/systemd/local-broker.conf" "$part" 0644 ;;
    network) discard "$part" ;;
    *) say "$CONFIGURATION cannot be read; the service keeps the network it had" ;;
  esac
}

# Prints "socket" or "network"; nothing where the configuration is not valid, which the service itself will say.
way_to_broker() {
  "$1/venv/bin/python" - "$CONFIGURATION" 2>>"$writable_log" <<'PYTHON' || true
import sys
from pathlib import Path

from edge import config

print("network" if config.load(Path(sys.argv[1])).broker.socket is None else "socket")
PYTHON
}
