# shellcheck shell=bash
# Whether the release that runs can be trusted.

# Long enough for the watchdog to have spoken twice.
readonly SETTLE_S=${AFFECTFUSION_SETTLE_S:-30}

property() { systemctl show --property="$1" --value "$UNIT"; }

# Starts the service anew and watches it: it must become ready, and stay the same living process from then on.
starts_and_stays() {
  local restarts pid second
  if $dry_run; then
    run systemctl restart "$UNIT"
    printf '  would wait until %s has been ready and unbroken for %s s\n' "$UNIT" "$SETTLE_S"
    return
  fi
  say "starting $UNIT; it must be ready and then stay so for $SETTLE_S s"
  run systemctl reset-failed "$UNIT" || true
  run systemctl restart "$UNIT" || return 1
  restarts=$(property NRestarts)
  pid=$(property MainPID)
  for ((second = 0; second < SETTLE_S; second++)); do
    sleep 1
    [[ $(property ActiveState) == active && $(property NRestarts) == "$restarts" && $(property MainPID) == "$pid" ]] ||
      return 1
  done
}

# Whether the service has been up, unbroken, for as long as a new release must be.
has_stood() {
  local uptime since
  read -r uptime _ </proc/uptime
  since=$(property ActiveEnterTimestampMonotonic)
  [[ $(property ActiveState) == active && $(property NRestarts) == 0 ]] &&
    ((${uptime%.*} - ${since:-0} / 1000000 >= SETTLE_S))
}

# The service's last words, for people and for the log.
last_words() {
  journalctl --unit "$UNIT" --lines 5 --output cat --no-pager 2>/dev/null | while read -r line; do say "| $line"; done
}
