# shellcheck shell=bash
# What this system is, and what it is asked for.

# Sets `system` to a name for people and `packages` to the Debian packages the appliance needs here.
#
# PyAudio and the systemd bindings come from Debian: from PyPI they would need a compiler on the device.
know_platform() {
  local ID='' VERSION_ID='' PRETTY_NAME='' architecture
  # shellcheck source=/dev/null
  [[ -r $ROOT/etc/os-release ]] && . "$ROOT/etc/os-release"
  system=${PRETTY_NAME:-an unknown system}
  packages=(python3 python3-venv python3-pyaudio python3-systemd mosquitto openssl)
  case $ID-$VERSION_ID in
    debian-12 | debian-13 | ubuntu-22.04 | ubuntu-24.04) ;;
    raspbian-*) fail "$system is 32-bit, and the models' runtime is not; write the 64-bit Raspberry Pi OS" 2 ;;
    *) fail "$system is not supported; use Raspberry Pi OS or Debian 12 or 13, or Ubuntu 22.04 or 24.04" 2 ;;
  esac
  architecture=$(dpkg --print-architecture)
  case $architecture in
    arm64 | amd64) ;;
    *) fail "$system on $architecture is not supported; it must be 64-bit (arm64 or amd64)" 2 ;;
  esac
  if [[ -e $ROOT/etc/rpi-issue ]]; then
    system="Raspberry Pi OS (${system})"
    # The ribbon cable's camera and the GPIO pins; only Raspberry Pi's own archive has all of them.
    packages+=(python3-picamera2 python3-gpiozero python3-lgpio)
  fi
}

# Sets `python`: the system's own, because the modules from Debian are for no other.
know_python() {
  python=${PYTHON:-$ROOT/usr/bin/python3}
  if [[ -x $python ]]; then
    suitable "$python" || fail "$("$python" --version 2>&1) is not supported; Python 3.10 to 3.13 is" 2
  elif ! $dry_run; then
    fail "$python is missing although python3 was installed"
  fi
}

# Installs those of `packages` that are missing; where none is, no network is needed.
install_system_packages() {
  local package missing=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "the system's packages are there: ${packages[*]}"
    return
  fi
  begin "installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  if [[ -z $wheels ]]; then
    run "${apt[@]}" update || say "apt-get update failed; trying with the lists there are"
  fi
  run "${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}; is the network there? (${LOG} has its words)"
}
