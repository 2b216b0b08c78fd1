#!/usr/bin/env bash
# Installs the appliance that `affect-edge prepare-card` put on the card, so that nobody needs a keyboard.
#
#   first-boot.sh take     called at start-up by cloud-init (Trixie) or by firstrun.sh (Bookworm): moves the parcel and
#                          its secrets to the root file system, and leaves a unit that goes on from there
#   first-boot.sh install  called by that unit at every start until the appliance is installed
#
# Power may be cut between any two steps: each is either undone or done again at the next start.
set -Eeuo pipefail

readonly ROOT=${FIRST_BOOT_ROOT:-}
readonly CARD=$ROOT/boot/firmware
readonly PARCEL=$CARD/affectfusion RESULT=$CARD/affectfusion-result.txt
readonly HELD=$ROOT/var/lib/affectfusion-first-boot
readonly AUTHORITY=$ROOT/etc/mosquitto/affectfusion/ca.crt
readonly ETC=$ROOT/etc/affectfusion OPT=$ROOT/opt/affectfusion
readonly LOG=$ROOT/var/log/affectfusion-first-boot.log
readonly UNIT=affectfusion-first-boot.service
readonly FIRST_PAUSE=${FIRST_BOOT_PAUSE:-10} LONGEST_PAUSE=300

say() { printf '%s first-boot: %s\n' "$(date -Is)" "$*" | tee -a "$LOG" >&2; }

# Leaves one line where a PC reads it. An unchanged line is not written again: cards wear.
tell() {
  say "$1"
  [[ -e $RESULT && $(head -n 1 "$RESULT") == "$1" ]] && return
  printf '%s\n(%s)\n' "$1" "$(date -Is)" >"$RESULT.new" && mv -f "$RESULT.new" "$RESULT" && sync
}

# Overwrites before it unlinks. What the card's own wear levelling has copied elsewhere is out of reach.
destroy() {
  local file
  for file in "$@"; do
    [[ -f $file ]] || continue
    shred --iterations=1 --zero --remove=unlink "$file" || rm -f "$file"
  done
}

same_parcel() { [[ -e $HELD/parcel-id ]] && cmp -s "$PARCEL/parcel-id" "$HELD/parcel-id"; }

take() {
  if [[ -e $PARCEL/parcel-id ]] && ! same_parcel; then
    say "taking the parcel from the card"
    rm -rf "$HELD.partial"
    mkdir -p "$HELD.partial"
    chmod 700 "$HELD.partial"
    cp -r "$PARCEL/." "$HELD.partial/"
    sync
    rm -rf "$HELD"
    mv -T "$HELD.partial" "$HELD"
    sync
  fi
  [[ -e $HELD/parcel-id ]] || return 0
  install -D -m 644 "$HELD/$UNIT" "$ROOT/etc/systemd/system/$UNIT"
  # the question for a first user would wait for a keyboard for ever
  systemctl mask userconfig.service >/dev/null 2>&1 || true
  systemctl daemon-reload
  systemctl enable "$UNIT"
  sync
  destroy "$PARCEL"/secrets/*
}

unpack() {
  rm -rf "$HELD/app"
  mkdir "$HELD/app"
  tar -xzf "$HELD/release.tar.gz" -C "$HELD/app" && return
  tell "not installed: the release on the card is damaged; prepare the card again"
  exit 2
}

configure() {
  local config=$ETC/config.toml secret
  install -d -m 755 "$ETC"
  install -d -m 700 "$ETC/credentials"
  # the installer would make the user too, but the configuration must be the group's before the service reads it
  systemd-sysusers "$HELD/app/systemd/affectfusion.sysusers"
  if ! cmp -s "$HELD/config.toml" "$config"; then
    # only a card that was prepared again brings another configuration to a box that has one
    [[ ! -e $config ]] || mv -f "$config" "$config.old"
    install -m 640 -g affectfusion "$HELD/config.toml" "$config.new"
    mv -f "$config.new" "$config"
  fi
  [[ ! -e $HELD/broker-ca.crt ]] || install -m 644 "$HELD/broker-ca.crt" "$ETC/broker-ca.crt"
  for secret in "$HELD"/secrets/mqtt-*password; do
    [[ -e $secret ]] || continue
    install -m 600 "$secret" "$ETC/credentials/new"
    mv -f "$ETC/credentials/new" "$ETC/credentials/${secret##*/}"
  done
  sync
  destroy "$HELD"/secrets/*
  # the key of the Wi-Fi, which cloud-init has taken over by now
  destroy "$CARD/network-config"
}

set_ssh() {
  local SSH_KEY=
  # shellcheck disable=SC1091  # written by prepare-card
  . "$HELD/box.env"
  if [[ -n $SSH_KEY ]]; then
    systemctl enable --now ssh.service
  else
    systemctl disable --now ssh.service ssh.socket
  fi >/dev/null 2>&1 || say "there is no SSH server to switch"
}

online() { [[ -n $(ip route show default 2>/dev/null) || -n $(ip -6 route show default 2>/dev/null) ]]; }

# What install.sh said was wrong: the last of its lines that is not about its own tidying up.
reason() {
  sed -n 's/^install\.sh: //p' "$HELD/output" | grep -v -e '^stopped while ' -e '^all of it is in ' -e '^|' | tail -n 1
}

# Until it succeeds; a mistake (exit code 2) does not get better by waiting, so it is left to the next start.
install_appliance() {
  local pause=$FIRST_PAUSE code why
  local -a options=()
  [[ -d $HELD/wheels ]] && options=(--offline "$HELD/wheels")
  while true; do
    code=0
    bash "$HELD/app/install.sh" device "${options[@]}" >"$HELD/output" 2>&1 || code=$?
    cat "$HELD/output" >>"$LOG"
    ((code)) || return 0
    why=$(reason) || why="install.sh ended with $code"
    if ((code == 2)); then
      tell "not installed: $why"
      exit 2
    fi
    online || why="waiting for the network"
    tell "not installed yet: $why"
    sleep "$pause"
    pause=$((pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : pause * 2))
  done
}

finish() {
  local version
  version=$(basename "$(readlink "$OPT/current")")
  # nothing secret: those who listen from elsewhere know the box by it
  [[ ! -e $AUTHORITY ]] || install -m 644 "$AUTHORITY" "$CARD/affectfusion-ca.crt"
  tell "installed $version"
  destroy "$PARCEL"/secrets/*
  rm -rf "$PARCEL"
  systemctl disable "$UNIT"
  rm -rf "$HELD" "$ROOT/etc/systemd/system/$UNIT"
  sync
}

mkdir -p "$(dirname "$LOG")"
trap 'tell "not installed yet: first-boot.sh failed in ${FUNCNAME[0]:-its start}; the box tries again at its next start"' ERR
case ${1:-} in
  take) take ;;
  install)
    [[ -e $HELD/parcel-id ]] || exit 0
    unpack
    configure
    set_ssh
    install_appliance
    finish
    ;;
  *) echo "usage: first-boot.sh take|install" >&2; exit 2 ;;
esac
