# shellcheck shell=bash
# install.sh device, update, rollback, uninstall, status and recover: the commands, in the order of their steps.

# shellcheck source=systemd/installer/places.sh
. systemd/installer/places.sh
# shellcheck source=systemd/installer/steps.sh
. systemd/installer/steps.sh
# shellcheck source=systemd/installer/platform.sh
. systemd/installer/platform.sh
# shellcheck source=systemd/installer/release.sh
. systemd/installer/release.sh
# shellcheck source=systemd/installer/broker.sh
. systemd/installer/broker.sh
# shellcheck source=systemd/installer/system.sh
. systemd/installer/system.sh
# shellcheck source=systemd/installer/health.sh
. systemd/installer/health.sh
# shellcheck source=systemd/installer/switch.sh
. systemd/installer/switch.sh

wheels=
purge=false
source_given=
unpacked=

installer_main() {
  local command=$1
  shift
  read_options "$command" "$@"
  if [[ $command == status ]]; then
    show_status
    return
  fi
  need_root "$command"
  umask 022
  open_log "$command" "$@"
  lock
  trap at_exit EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  "do_$command"
  trap - EXIT
  clean_up
}

read_options() {
  local command=$1
  shift
  while (($#)); do
    case $command:$1 in
      status:*) fail "status takes no argument, not $1" 2 ;;
      *:--dry-run) dry_run=true ;;
      device:--offline | update:--offline)
        (($# > 1)) && [[ -d $(from_caller "$2") ]] || fail "--offline needs a folder of wheels" 2
        wheels=$(from_caller "$2")
        shift
        ;;
      uninstall:--purge) purge=true ;;
      update:[!-]*)
        [[ -z $source_given ]] || fail "update takes one SOURCE, not $1 as well" 2
        source_given=$(from_caller "$1")
        ;;
      *) fail "$command takes no $1" 2 ;;
    esac
    shift
  done
}

from_caller() { (cd "$CALLER" && realpath -m -- "$1"); }

do_device() {
  know_platform
  say "installing on $system"
  put_right
  install_system_packages
  know_python
  install_from "$PWD"
}

do_update() {
  [[ -n $(running_release) ]] || fail "there is nothing to update; run: ./install.sh device" 2
  know_platform
  put_right
  find_source
  install_system_packages
  know_python
  install_from "$source"
}

do_rollback() {
  put_right
  [[ -L $PREVIOUS ]] || fail "there is no release to go back to" 2
  adopt "$(name_of "$PREVIOUS")"
}

do_uninstall() {
  begin "removing the appliance"
  remove_system_files
  discard "$PREFIX"
  if ! $purge; then
    say "removed; $SETTINGS and $STATE are kept (uninstall --purge removes them), and so are the system's packages"
    return
  fi
  discard "$SETTINGS" "$STATE"
  if getent passwd "$ACCOUNT" >/dev/null; then run userdel "$ACCOUNT"; fi
  say "removed, with settings and state; the system's packages and $LOG are kept"
}

# What is left where an installation was cut short; the service's own retry calls it too.
do_recover() { put_right; }

put_right() {
  run rm -f "$CURRENT.new" "$PREVIOUS.new" "$UNPROVEN.new"
  settle
  prune
}

# Sets `source` to the folder that the update comes from.
find_source() {
  source=${source_given:-$PWD}
  if [[ -f $source ]]; then
    begin "unpacking $source"
    unpacked=$(mktemp -d)
    tar -C "$unpacked" -xf "$source" || fail "$source is no archive that tar can read" 2
    source=$(find "$unpacked" -maxdepth 2 -name install.sh -printf '%h\n' | head -n 1)
    [[ -n $source ]] || fail "$source_given holds no install.sh" 2
  fi
  [[ -d $source ]] || fail "$source: no such folder or archive" 2
}

install_from() {
  local identity
  identify "$1"
  build_release "$identity" "$1"
  adopt "$identity"
  prune
}

show_status() {
  local running
  running=$(running_release)
  if [[ -z $running ]]; then
    printf 'not installed; run: sudo ./install.sh device\n'
    return 1
  fi
  printf 'release    %s\n' "$running"
  [[ ! -L $PREVIOUS ]] || printf 'previous   %s\n' "$(name_of "$PREVIOUS")"
  [[ ! -e $UNPROVEN ]] || printf 'unproven   %s\n' "$(<"$UNPROVEN")"
  printf 'service    %s; restarts: %s\n' "$(property ActiveState)" "$(property NRestarts)"
  printf 'says       %s\n' "$(property StatusText)"
  printf 'settings   %s\n' "$CONFIGURATION"
  printf 'log        journalctl -u %s; %s\n' "$UNIT" "$LOG"
  [[ $(property ActiveState) == active ]]
}

# However it ends, the last release that worked runs on.
at_exit() {
  local status=$?
  trap - EXIT INT TERM HUP
  set +e
  if ((status)) && ! $explained; then
    say "stopped while $step"
    ((status > 128)) || status=1
  fi
  if [[ -n $building ]]; then run rm -rf "$building"; fi
  go_back
  clean_up
  ((status == 0)) || $dry_run || say "all of it is in $LOG"
  exit "$status"
}

clean_up() { [[ -z $unpacked ]] || rm -rf "$unpacked"; }
