#!/usr/bin/env bash
# Stands in for the programs that install.sh calls, under their names. Every call is noted in $BOX/calls. One that
# begins as $BOX/dies_at says kills its caller first; as $BOX/fails, it does nothing and fails; as $BOX/waits, it goes on
# when $BOX/waiting, which it makes, is gone.
set -u
name=${0##*/}
call="$name $*"
printf '%s\n' "$call" >>"$BOX/calls"
told() { [[ -s $BOX/$1 && $call == "$(<"$BOX/$1")"* ]]; }

if told dies_at; then
  kill -KILL "$PPID"
  exit 1
fi
if told fails; then
  printf 'stand-in: %s fails\n' "$name"
  exit 100
fi
if told waits; then
  touch "$BOX/waiting"
  while [[ -e $BOX/waiting ]]; do command sleep 0.05; done
fi

current=$AFFECTFUSION_ROOT/opt/affectfusion/current

# What the release in use is like: whole, deaf (never ready) or frail (ready, then dying again and again).
kind() { cat "$current/app/edge/kind" 2>/dev/null || printf whole; }

python() {
  case $* in
    *'sys.exit('*) [[ $(<"$BOX/python") == 3.1[0-3] ]] ;;
    *'version_info[:2]'*) cat "$BOX/python" ;;
    *--version*) printf 'Python %s\n' "$(<"$BOX/python")" ;;
    '-m venv'*)
      mkdir -p "${!#}/bin"
      cp -P "$BOX/bin/python3" "${!#}/bin/python"
      ;;
    '-m pip'*) cp -P "$BOX/bin/affect-edge" "${0%/*}/affect-edge" ;;
    '- '*)
      grep -q '^nonsense' "$2" && exit 2
      grep -q '^host.*example' "$2" && printf distant && return
      grep -q '^host' "$2" && printf building || printf socket
      ;;
  esac
}

systemctl() {
  case $* in *mosquitto*) return ;; esac
  case $1 in
    restart | --no-block)
      printf '0\n' >"$BOX/restarts"
      if [[ $(kind) == deaf ]]; then
        printf 'failed\n' >"$BOX/active"
        return 1
      fi
      printf 'active\n' >"$BOX/active"
      readlink "$current" >"$BOX/running"
      ;;
    disable) printf 'inactive\n' >"$BOX/active" ;;
    show)
      case $2 in
        *ActiveState) cat "$BOX/active" ;;
        *NRestarts)
          [[ $(kind) == frail ]] && printf '%s\n' "$(($(<"$BOX/restarts") + 1))" >"$BOX/restarts"
          cat "$BOX/restarts"
          ;;
        *MainPID) printf '7\n' ;;
        *ActiveEnterTimestampMonotonic) cat "$BOX/active_since" ;;
        *StatusText) printf 'camera live\n' ;;
      esac
      ;;
  esac
}

affect_edge() {
  [[ $1 == broker-config ]] || return 0
  mkdir -p "$5/affectfusion" "$5/conf.d" "$7"
  cp "$3" "$5/conf.d/affectfusion.conf"
  printf 'hashes\n' >"$5/affectfusion/passwords"
  printf 'secret-of-viewers\n' >"$7/mqtt-viewer-password"
  printf 'secret-of-operators\n' >"$7/mqtt-operator-password"
}

case $name in
  python | python3) python "$@" ;;
  systemctl) systemctl "$@" ;;
  affect-edge) affect_edge "$@" ;;
  dpkg) cat "$BOX/architecture" ;;
  dpkg-query) grep -qx -- "${!#}" "$BOX/packages" && printf 'install ok installed' ;;
  apt-get)
    if [[ $* == *' install '* ]]; then
      printf '%s\n' "$@" | grep -v '^-' >>"$BOX/packages"
      mkdir -p "$AFFECTFUSION_ROOT/usr/bin"
    fi
    ;;
  getent) [[ $1 == passwd || -e $BOX/gpio ]] ;;
  id) printf 'affectfusion video audio\n' ;;
  df) printf 'Avail\n%s\n' "$(<"$BOX/free_mb")" ;;
  journalctl) printf 'the last words\n' ;;
  sleep | sync | systemd-sysusers | systemd-tmpfiles | usermod | userdel) ;;
  *) PATH=${PATH#"$BOX/bin:"} exec "$name" "$@" ;;
esac
