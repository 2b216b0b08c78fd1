# shellcheck shell=bash
# The broker on this box, where the configuration has one.

readonly MOSQUITTO=$ROOT/etc/mosquitto
readonly BROKER_UNIT=mosquitto.service
readonly BROKER_PART=$UNITS/$BROKER_UNIT.d/affectfusion.conf
readonly NETWORK_PART=$UNITS/$UNIT.d/local-broker.conf

# Brings the broker and the service's way to it to what the configuration says.
install_broker() {
  local release=$1
  case $(way_to_broker "$release") in
    socket)
      configure_broker "$release"
      place "$release/app/systemd/local-broker.conf" "$NETWORK_PART" 0644
      ;;
    loopback)
      configure_broker "$release"
      discard "$NETWORK_PART"
      ;;
    network)
      remove_broker
      discard "$NETWORK_PART"
      ;;
    *) say "$CONFIGURATION cannot be read; the broker stays as it is" ;;
  esac
}

# Prints how the configuration reaches its broker; nothing where it is not valid, which the service itself will say.
# A dry run of the first installation goes by the configuration that would be written.
way_to_broker() {
  if $dry_run && [[ ! -x $1/venv/bin/python ]]; then
    printf 'socket\n'
    return
  fi
  "$1/venv/bin/python" - "$CONFIGURATION" 2>>"$writable_log" <<'PYTHON' || true
import sys
from pathlib import Path

from edge import config

broker = config.load(Path(sys.argv[1])).broker
print("socket" if broker.socket else "loopback" if broker.here else "network")
PYTHON
}

configure_broker() {
  local before after changed=false
  before=$(broker_files)
  # Its socket belongs to the group of the service, which is there by now.
  place "$1/app/systemd/mosquitto.service.d/affectfusion.conf" "$BROKER_PART" 0644
  run "$1/venv/bin/affect-edge" broker-config --config "$CONFIGURATION" --out "$MOSQUITTO" --credentials "$CREDENTIALS" ||
    fail "the broker on this box could not be configured"
  after=$(broker_files)
  run systemctl enable "$BROKER_UNIT"
  if $changed || [[ $before != "$after" ]]; then
    run systemctl daemon-reload
    run systemctl restart "$BROKER_UNIT" || fail "$BROKER_UNIT does not start: journalctl -u $BROKER_UNIT"
  fi
  [[ $before == *passwords* || $after != *passwords* ]] || show_passwords
}

broker_files() { find "$MOSQUITTO" -path '*affectfusion*' -type f -exec sha256sum {} + 2>>"$writable_log" | sort || true; }

# Once, to a person at a terminal, and in no log.
show_passwords() {
  local user
  if ! [[ -t 2 ]]; then
    say "passwords of the broker on this box are in $CREDENTIALS, for root"
    return
  fi
  printf 'Passwords of the broker on this box, shown only now; for root they are in %s:\n' "$CREDENTIALS" >&2
  for user in viewer operator; do
    printf '  %-9s %s\n' "$user" "$(<"$CREDENTIALS/mqtt-$user-password")" >&2
  done
}

# Leaves mosquitto as the distribution has it.
remove_broker() {
  local changed=false
  discard "$BROKER_PART" "$MOSQUITTO/conf.d/affectfusion.conf" "$MOSQUITTO/conf.d/affectfusion_bridge.conf" \
    "$MOSQUITTO/affectfusion"
  if $changed; then
    run systemctl daemon-reload
    run systemctl try-restart "$BROKER_UNIT" || say "$BROKER_UNIT does not start: journalctl -u $BROKER_UNIT"
  fi
}
