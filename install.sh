#!/usr/bin/env bash
# AffectFusion Edge: sets itself up in .venv beside this file, then does what it was asked to.
set -euo pipefail
readonly CALLER=$PWD
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

readonly VENV=.venv

usage() {
  cat <<'TEXT'
usage: ./install.sh COMMAND [ARGUMENT...]

  demo [ARGUMENT...]  watch the appliance at work on a bundled lesson of drawn learners
                      (--camera and --microphone use real ones; ./install.sh demo --help)
  test [ARGUMENT...]  run every check: ruff, mypy, shellcheck, pytest (arguments go to pytest)
  test --arm64        take a box from its card to a power cut on an emulated arm64 machine (half an hour, root)

on a device, as root; with --dry-run each only says what it would do:
  device              install the appliance as a service, or bring it to this checkout's state
  update [SOURCE]     the same from a newer checkout or archive; if it does not become healthy, the old one runs again
  rollback            go back to the release before
  uninstall           remove it; --purge removes settings and state as well
  status              say what is installed, and how it does
  (device and update take --offline WHEELS, a folder of wheels, for a box without a network)

examples:
  ./install.sh demo
  ./install.sh demo --camera /dev/video0 --microphone default
  ./install.sh test -k privacy
  sudo ./install.sh device
  sudo ./install.sh update ~/affectfusion-edge.tar.gz

environment:
  PYTHON  the interpreter to use (3.10 to 3.13; by default the first suitable one found)
TEXT
}

say() { printf '%s\n' "install.sh: $*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

suitable() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
  local candidate
  if [[ -n ${PYTHON:-} ]]; then
    suitable "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.10 to 3.13" 2
    python=$(command -v "$PYTHON")
    return
  fi
  for candidate in python3 python3.11 python3.12 python3.13 python3.10; do
    if suitable "$candidate"; then
      python=$(command -v "$candidate")
      return
    fi
  done
  python=
}

need_python() {
  find_python
  if [[ -z $python ]]; then
    install_packages python3 python3-venv
    find_python
    [[ -n $python ]] || fail "Python 3.10 to 3.13 is needed, and this system's is another; name one with PYTHON=" 2
  fi
}

# Each need is a Debian package and a test that is true where it is already met, by whatever means.
need_system() {
  local missing=() package
  for package in "$@"; do
    case $package in
      python3-venv) "$python" -c 'import ensurepip, venv' ;;
      python3-dev) test -e "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ;;
      portaudio19-dev) test -e /usr/include/portaudio.h ;;
      libsystemd-dev) test -e /usr/include/systemd/sd-daemon.h ;;
      libgl1) ldconfig -p | grep -q 'libGL\.so\.1' ;;
      libglib2.0-0) ldconfig -p | grep -q 'libgthread-2\.0\.so\.0' ;;
      python3-tk) "$python" -c 'import tkinter' ;;
      xvfb) command -v Xvfb ;;
      mosquitto) command -v mosquitto || test -x /usr/sbin/mosquitto ;;
      qemu-system-arm) command -v qemu-system-aarch64 ;;
      qemu-utils) command -v qemu-img ;;
      qemu-user-static) command -v qemu-aarch64-static ;;
      binfmt-support) command -v update-binfmts ;;
      mtools) command -v mcopy ;;
      dosfstools) command -v mkfs.vfat || test -x /usr/sbin/mkfs.vfat ;;
      procps) command -v pgrep ;;
      systemd) command -v systemd-analyze ;;
      systemd-container) command -v systemd-nspawn ;;
      *) command -v "$package" ;;
    esac >/dev/null 2>&1 || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  install_packages "${missing[@]}"
}

# Installs Debian packages, as root or by sudo; where neither is to be had, says what to run.
install_packages() {
  command -v apt-get >/dev/null || fail "please install what Debian calls: $*" 2
  local -a as_root=()
  if ((EUID == 0)); then
    say "installing $*"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    say "sudo is asked to install $*"
    as_root=(sudo)
  else
    fail "root is needed to install system packages; run: sudo apt-get install $*" 2
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  "${as_root[@]}" update >/dev/null || say "apt-get update failed; trying with the lists there are"
  "${as_root[@]}" install -y --no-install-recommends "$@" >/dev/null || fail "apt-get could not install: $*"
}

# Installs this checkout with the given extras, once per content of pyproject.toml.
need_venv() {
  local extras=$1 stamp
  stamp="$VENV/.installed-$extras-$(sha256sum pyproject.toml | cut -c1-16)"
  if ! [[ -x $VENV/bin/python ]]; then
    say "making $VENV with $("$python" --version)"
    "$python" -m venv "$VENV"
  fi
  [[ -e $stamp ]] && return
  say "installing Python packages into $VENV (a few minutes the first time)"
  "$VENV/bin/python" -m pip install -q --disable-pip-version-check -e ".[$extras]" || fail "pip could not install affectfusion-edge[$extras]"
  touch "$stamp"
}

demo() {
  local extras=demo
  need_system python3-venv
  if [[ " $* " == *" --microphone"* ]]; then
    need_system gcc python3-dev portaudio19-dev
    extras=demo,microphone
  fi
  need_venv "$extras"
  exec "$VENV/bin/affect-edge" demo "$@"
}

run_tests() {
  need_system python3-venv gcc python3-dev portaudio19-dev libsystemd-dev pkg-config mosquitto openssl procps strace libgl1 libglib2.0-0 \
    systemd python3-tk xvfb chromium mosquitto-clients
  # Root can boot a machine of its own for the tests of the service.
  ((EUID != 0)) || need_system systemd-container mmdebstrap
  need_venv demo,dashboard,microphone,systemd,analyse,alternatives,quantize,test
  # MediaPipe declares packages it never imports here (jax among them), so it comes without them.
  if "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check --no-deps mediapipe==0.10.18 ||
      say "mediapipe 0.10.18 does not install here; the tests against it are skipped"
  fi
  set -x
  "$VENV/bin/ruff" check .
  "$VENV/bin/ruff" format --check .
  "$VENV/bin/mypy"
  "$VENV/bin/shellcheck" -x install.sh tests/installer/stand_ins.sh systemd/first-boot/*.sh tests/system/arm64/root.sh
  "$VENV/bin/python" -m pytest --numprocesses auto --dist loadfile "$@"
}

# Beside the other checks: it takes too long for every change.
run_arm64_tests() {
  need_system python3-venv mmdebstrap arch-test qemu-system-arm qemu-utils qemu-user-static binfmt-support mtools dosfstools
  need_venv test
  exec "$VENV/bin/python" tests/system/arm64 "$@"
}

command=${1:-}
(($#)) && shift
case $command in
  demo) need_python; demo "$@" ;;
  test)
    need_python
    if [[ ${1:-} == --arm64 ]]; then run_arm64_tests "${@:2}"; else run_tests "$@"; fi
    ;;
  device | update | rollback | uninstall | status | recover)
    # shellcheck source=systemd/installer/main.sh
    . systemd/installer/main.sh
    installer_main "$command" "$@"
    ;;
  -h | --help | help) usage ;;
  '') usage >&2; exit 2 ;;
  *) say "no such command: $command"; usage >&2; exit 2 ;;
esac
