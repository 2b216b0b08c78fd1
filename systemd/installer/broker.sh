# shellcheck shell=bash
# The broker on this box, where the configuration has one.

readonly MOSQUITTO=$ROOT/etc/mosquitto
readonly BROKER_UNIT=mosquitto.service
readonly BROKER_PART=$UNITS/$BROKER_UNIT.d/affectfusion.conf
readonly NETWORK_PART=$UNITS/$UNIT.d/local-broker.conf
readonly DISTANCE_PART=$UNITS/$UNIT.d/broker.conf

# Brings the broker and the service's way to it to what the configuration says.
install_broker() {
  local release=$1
  case $(way_to_broker "$release") in
    socket)
      configure_broker "$release"
      place "$release/app/systemd/local-broker.conf" "$NETWORK_PART" 0644
      discard "$DISTANCE_PART"
      ;;
    loopback)
      configure_broker "$release"
      discard "$NETWORK_PART" "$DISTANCE_PART"
      ;;
    building)
      remove_broker
      discard "$NETWORK_PART" "$DISTANCE_PART"
      ;;
    distant)
      remove_broker
      discard "$NETWORK_PART"
      place "$release/app/systemd/distant-broker.conf" "$DISTANCE_PART" 0644
      say "the broker is not known to be in the building's own network: the service may connect to any address"
      ;;
    *) say "$CONFIGURATION cannot be read; the broker stays as it is" ;;
  esac
}

# Prints how the configuration reaches its broker; nothing where it is not valid, which the service itself will say.
# "building" is a host all of whose addresses the unit lets through; any other, and a name that nobody knows now, is
# "distant". A dry run of the first installation goes by the configuration that would be written.
way_to_broker() {
  if $dry_run && [[ ! -x $1/venv/bin/python ]]; then
    printf 'socket\n'
    return
  fi
  "$1/venv/bin/python" - "$CONFIGURATION" "$1/app/systemd/$UNIT" 2>>"$writable_log" <<'PYTHON' || true
import ipaddress
import re
import socket
import sys
from pathlib import Path

from edge import config


def within(networks: list[str], host: str) -> bool:
    try:
        found = {entry[4][0].partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return all(any(ipaddress.ip_address(one) in ipaddress.ip_network(other) for other in networks) for one in found)


broker = config.load(Path(sys.argv[1])).broker
networks = re.search("^IPAddressAllow=localhost (.+)$", Path(sys.argv[2]).read_text(), re.MULTILINE)[1].split()
if broker.here:
    print("socket" if broker.socket else "loopback")
else:
    print("building" if within(networks, broker.host) else "distant")
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
