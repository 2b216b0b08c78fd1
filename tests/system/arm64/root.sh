#!/usr/bin/env bash
# root.sh CACHE: makes a Debian trixie arm64 root, its kernel and its initramfs in CACHE; minutes, once.
#
# Stands in for a fresh Raspberry Pi OS Trixie card: cloud-init that reads /boot/firmware, Python 3.13, no gcc at run
# time but the libraries that the wheels need. The guest agent is the test's way in; it needs no network.
set -euo pipefail

readonly CACHE=${1:?usage: root.sh CACHE} MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly ROOT=$CACHE/root.partial

readonly -a SYSTEM=(
  systemd-sysv udev dbus kmod linux-image-arm64 initramfs-tools cloud-init netplan.io iproute2 isc-dhcp-client
  ca-certificates qemu-guest-agent alsa-utils v4l-utils openssh-server sudo dosfstools procps psmisc
)
# What `install.sh device` asks apt for: in place, so that the machine needs no network. Its wheels are made with these too.
readonly -a APPLIANCE=(
  python3 python3-venv python3-dev python3-pip gcc libc6-dev pkg-config libsystemd-dev portaudio19-dev libgl1 libglib2.0-0t64
  mosquitto mosquitto-clients openssl
)

say() { printf 'root.sh: %s\n' "$*" >&2; }

can_run_arm64() { arch-test -c / arm64 >/dev/null 2>&1 || arch-test arm64 >/dev/null 2>&1; }

register_emulator() {
  can_run_arm64 && return
  mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  update-binfmts --enable qemu-aarch64
  can_run_arm64 || { say "this machine cannot run arm64 programs; install qemu-user-static and binfmt-support"; exit 1; }
}

export QEMU_CPU=cortex-a72
mkdir -p "$CACHE"
register_emulator
rm -rf "$ROOT"
say "Debian trixie arm64 from $MIRROR"
packages=$(IFS=,; echo "${SYSTEM[*]},${APPLIANCE[*]}")
mmdebstrap --mode=root --variant=minbase --architectures=arm64 --include="$packages" \
  --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
  trixie "$ROOT" "deb $MIRROR trixie main"
mv -T "$ROOT" "$CACHE/root"
say "$(du -sh "$CACHE/root" | cut -f1) in $CACHE/root"
