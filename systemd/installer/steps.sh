# shellcheck shell=bash
# What the installer does is a row of steps: each is said, logged, and on a dry run only said.

dry_run=false
step="starting"
writable_log=/dev/null

# Where no log can be written (a full disk), the work is still tried.
open_log() {
  $dry_run && return
  if mkdir -p "$(dirname "$LOG")" && touch "$LOG"; then writable_log=$LOG; fi
  log "== install.sh $*"
}

log() { printf '%(%F %T)T %s\n' -1 "$*" >>"$writable_log" || true; }

say() {
  printf '%s\n' "install.sh: $*" >&2
  log "$*"
}

# Ends the work with the reason, which then needs no other.
explained=false
fail() {
  explained=true
  say "$1"
  exit "${2:-1}"
}

# Names what is done next; a failure is reported under this name.
begin() {
  step=$1
  say "$step"
}

# Runs a command that changes something, its output into the log; shows the last of it where the command fails.
# On a dry run it is shown instead.
run() {
  local before status=0
  if $dry_run; then
    printf '  would run:%s\n' "$(printf ' %q' "$@")"
    return
  fi
  log "+ $*"
  before=$(wc -l <"$writable_log")
  "$@" >>"$writable_log" 2>&1 || status=$?
  ((status == 0)) || tail -n "+$((before + 1))" "$writable_log" | tail -n 3 | sed 's/^/  | /' >&2
  return "$status"
}

# Puts a file in place whole or not at all, and notes in `changed` where it was not there yet.
changed=false
place() {
  local source=$1 target=$2 mode=$3
  cmp -s "$source" "$target" && return
  changed=true
  run mkdir -p "$(dirname "$target")"
  run install -m "$mode" "$source" "$target.new"
  run mv "$target.new" "$target"
}

discard() {
  local path
  for path in "$@"; do
    if [[ -e $path || -L $path ]]; then
      changed=true
      run rm -rf "$path"
    fi
  done
}

# One installer at a time: two would build over each other. The lock falls with the process, however it ends.
lock() {
  $dry_run && return
  mkdir -p "$(dirname "$LOCK")"
  exec {lock_handle}>"$LOCK"
  flock -n "$lock_handle" || fail "another install.sh is at work; wait until it is done"
}

need_root() {
  ((EUID == 0)) || [[ -n $ROOT ]] || $dry_run || fail "root is needed; run: sudo ./install.sh $*" 2
}
