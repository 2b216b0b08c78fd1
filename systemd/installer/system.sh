# shellcheck shell=bash
# What the system knows of the appliance: its user, its folders, its configuration and its units.

install_system_files() {
  local files=$1/app/systemd
  begin "installing the user, the folders and the units"
  place "$files/affectfusion.sysusers" "$ROOT/etc/sysusers.d/affectfusion.conf" 0644
  place "$files/affectfusion.tmpfiles" "$ROOT/etc/tmpfiles.d/affectfusion.conf" 0644
  run systemd-sysusers "$ROOT/etc/sysusers.d/affectfusion.conf"
  # Only a Raspberry Pi has this group; sysusers would make it anywhere.
  if getent group gpio >/dev/null && [[ " $(id -nG "$ACCOUNT") " != *" gpio "* ]]; then run usermod -aG gpio "$ACCOUNT"; fi
  run systemd-tmpfiles --create "$ROOT/etc/tmpfiles.d/affectfusion.conf"
  place "$files/affectfusion.service" "$UNITS/$UNIT" 0644
  # a release that is gone back to may know no dashboard
  [[ ! -e $files/$DASHBOARD_UNIT ]] || place "$files/$DASHBOARD_UNIT" "$UNITS/$DASHBOARD_UNIT" 0644
  place "$files/affectfusion-retry.service" "$UNITS/affectfusion-retry.service" 0644
  place "$files/affectfusion-retry.timer" "$UNITS/affectfusion-retry.timer" 0644
  install_broker "$1"
  run mkdir -p "$(dirname "$COMMAND")"
  [[ $(readlink "$COMMAND") == "$CURRENT/venv/bin/affect-edge" ]] ||
    run ln -sfn "$CURRENT/venv/bin/affect-edge" "$COMMAND"
  run systemctl daemon-reload
  run systemctl enable "$UNIT" affectfusion-retry.timer
}

# It is off unless somebody switched it on; then it runs what the appliance runs.
restart_dashboard() {
  run systemctl --no-block try-restart "$DASHBOARD_UNIT" || say "$DASHBOARD_UNIT does not start: journalctl -u $DASHBOARD_UNIT"
}

install_configuration() {
  if [[ -e $CONFIGURATION ]]; then
    say "keeping $CONFIGURATION"
    return
  fi
  place "$1/app/systemd/config.toml" "$CONFIGURATION" 0644
  say "wrote $CONFIGURATION: nothing is captured until [deployment] in it is filled in"
}

remove_system_files() {
  remove_broker
  run systemctl disable --now "$UNIT" "$DASHBOARD_UNIT" affectfusion-retry.timer || say "$UNIT was not there to stop"
  discard "$UNITS/$UNIT" "$UNITS/$UNIT.d" "$UNITS/$DASHBOARD_UNIT" "$UNITS/$DASHBOARD_UNIT.d" \
    "$UNITS/affectfusion-retry.service" "$UNITS/affectfusion-retry.timer" \
    "$ROOT/etc/sysusers.d/affectfusion.conf" "$ROOT/etc/tmpfiles.d/affectfusion.conf" "$COMMAND"
  run systemctl daemon-reload
}
