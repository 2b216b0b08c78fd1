# shellcheck shell=bash
# From one release to another, and back where the other does not hold.

# Puts the release called `name` to work. A release that fails is removed and the one before it runs again.
adopt() {
  local name=$1 before
  before=$(running_release)
  if [[ $name != "$before" ]]; then
    begin "switching from ${before:-nothing} to $name"
    if [[ -n $before ]]; then
      write_line "$name" "$UNPROVEN"
      point "$PREVIOUS" "$before"
    fi
    point "$CURRENT" "$name"
    changed=true
  fi
  install_configuration "$CURRENT"
  install_system_files "$CURRENT"
  if ! $changed && [[ $(property ActiveState) == active ]]; then
    say "release $name runs already"
    return
  fi
  begin "waiting until release $name is healthy"
  if starts_and_stays; then
    discard "$UNPROVEN"
    restart_dashboard
    say "release $name is healthy"
    return
  fi
  last_words
  if [[ ! -e $UNPROVEN ]]; then
    fail "$UNIT does not become healthy; correct $CONFIGURATION if it says so above, then: systemctl restart $UNIT"
  fi
  go_back
  fail "release $name did not become healthy; release $(running_release) runs again"
}

running_release() { [[ ! -L $CURRENT ]] || name_of "$CURRENT"; }

# Settles what an interrupted switch left: a release that has stood the time since is kept, any other taken back.
settle() {
  if [[ -e $UNPROVEN && $(running_release) == "$(<"$UNPROVEN")" ]] && has_stood; then
    say "release $(running_release) has proven itself since"
    discard "$UNPROVEN"
  fi
  go_back
}

# Takes an unproven release back and removes it; does nothing where there is none.
go_back() {
  [[ -e $UNPROVEN ]] || return 0
  local failed good
  failed=$(<"$UNPROVEN")
  good=$(running_release)
  [[ $good != "$failed" ]] || good=$(name_of "$PREVIOUS")
  if is_complete "$good"; then
    begin "going back from $failed to $good"
    point "$CURRENT" "$good"
    # Going back must not end here, whatever fails.
    (install_system_files "$CURRENT") || say "not every file of the system could be put back"
    run systemctl reset-failed "$UNIT" || true
    run systemctl --no-block restart "$UNIT"
    restart_dashboard
    remove_release "$failed"
    discard "$PREVIOUS"
    point_previous_at_newest_but "$good"
  fi
  discard "$UNPROVEN"
}

point_previous_at_newest_but() {
  local name
  while read -r name; do
    if [[ $name != "$1" ]] && is_complete "$name"; then
      point "$PREVIOUS" "$name"
      return
    fi
  done < <(find "$RELEASES" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2-)
}

write_line() { run bash -c 'printf "%s\n" "$1" >"$2.new" && sync "$2.new" && mv "$2.new" "$2"' write_line "$1" "$2"; }
