# shellcheck shell=bash
# The broker on this box, where the configuration has one.

# Takes the network away from a service that reaches its broker through a file.
install_local_broker() {
  local release=$1 part=$UNITS/$UNIT.d/local-broker.conf
  if publishes_through_a_socket "$release"; then
    place "$release/app/systemd/local-broker.conf" "$part" 0644
  else
    discard "$part"
  fi
}

publishes_through_a_socket() {
  "$1/venv/bin/python" - "$CONFIGURATION" <<'PYTHON' 2>>"$writable_log"
import sys
from pathlib import Path

from edge import config

sys.exit(config.load(Path(sys.argv[1])).broker.socket is None)
PYTHON
}
