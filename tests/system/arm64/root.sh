#!/usr/bin/env bash
# root.sh CACHE: makes a Debian trixie arm64 disk, its kernel and its initramfs in CACHE; minutes, once. Needs root.
#
# It stands in for a freshly written Raspberry Pi OS Trixie: cloud-init that reads /boot/firmware, and Python 3.13. The
# kernel draws a camera (vivid) and loops a sound card back (snd-aloop). The guest agent is the test's way in; it needs
# no network and no login.
set -euo pipefail

readonly CACHE=${1:?usage: root.sh CACHE} MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly ROOT=$CACHE/root

readonly -a SYSTEM=(
  systemd-sysv udev dbus kmod procps iproute2 linux-image-arm64 initramfs-tools cloud-init netplan.io
  qemu-guest-agent alsa-utils ca-certificates
)
# What `install.sh device` asks apt for: in place, so that the machine needs no network.
readonly -a APPLIANCE=(python3 python3-venv python3-pyaudio python3-systemd mosquitto mosquitto-clients openssl)

say() { printf 'root.sh: %s\n' "$*" >&2; }

register_emulator() {
  arch-test arm64 >/dev/null && return
  mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  update-binfmts --enable qemu-aarch64
  arch-test arm64 >/dev/null || { say "this machine cannot run arm64 programs; qemu-user-static is missing"; exit 1; }
}

# Left out to save minutes under emulation.
readonly -a LEFT_OUT=(
  '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/i18n/*'
  '/usr/lib/modules/*/kernel/*'
)
# Of the kernel's 4,000 modules, those of an emulated machine with a drawn camera and a looped sound card.
readonly -a MODULES=(
  fs lib crypto net/core drivers/block drivers/char drivers/virtio drivers/net/virtio_net drivers/net/net_failover
  drivers/media drivers/video sound/core sound/drivers
)

bootstrap() {
  local packages path
  local -a paths=()
  packages=$(IFS=,; echo "${SYSTEM[*]},${APPLIANCE[*]}")
  for path in "${LEFT_OUT[@]}"; do paths+=(--dpkgopt="path-exclude=$path"); done
  for path in "${MODULES[@]}"; do paths+=(--dpkgopt="path-include=/usr/lib/modules/*/kernel/$path*"); done
  rm -rf --one-file-system "$ROOT"
  say "Debian trixie arm64 from $MIRROR"
  # shellcheck disable=SC2016  # mmdebstrap's own $1
  QEMU_CPU=cortex-a72 mmdebstrap --mode=root --variant=minbase --architectures=arm64 --include="$packages" \
    --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io "${paths[@]}" \
    --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"' \
    --essential-hook='echo MODULES=list >"$1/etc/initramfs-tools/conf.d/machine"' \
    --essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" >"$1/usr/share/initramfs-tools/modules.d/machine"' \
    trixie "$ROOT" "deb $MIRROR trixie main"
}

# As Raspberry Pi OS Trixie has it.
make_it_a_pi() {
  local unit
  printf '/dev/vda / ext4 defaults 0 1\n/dev/vdb /boot/firmware vfat x-systemd.device-timeout=900 0 0\n' >"$ROOT/etc/fstab"
  echo raspberrypi >"$ROOT/etc/hostname"
  : >"$ROOT/etc/machine-id"
  mkdir -p "$ROOT/boot/firmware"
  cat >"$ROOT/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg" <<'CONFIG'
datasource_list: [NoCloud, None]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware
ssh_deletekeys: false
ssh_genkeytypes: []
resize_rootfs: false
CONFIG
  for unit in cloud-init-main cloud-init-local; do
    mkdir -p "$ROOT/etc/systemd/system/$unit.service.d"
    printf '[Unit]\nRequiresMountsFor=/boot/firmware\n' >"$ROOT/etc/systemd/system/$unit.service.d/boot.conf"
  done
}

# A camera that moves, and a microphone that hears pink noise.
plug_in_sensors() {
  printf 'vivid\nsnd-aloop\n' >"$ROOT/etc/modules-load.d/sensors.conf"
  printf 'options vivid n_devs=1 node_types=0x1\noptions snd-aloop index=0\n' >"$ROOT/etc/modprobe.d/sensors.conf"
  printf 'pcm.!default { type plug slave.pcm "hw:Loopback,0,0" }\nctl.!default { type hw card Loopback }\n' \
    >"$ROOT/etc/asound.conf"
  cat >"$ROOT/etc/systemd/system/noise.service" <<'UNIT'
[Unit]
Description=Pink noise into the loop that the microphone hears
[Service]
ExecStart=/usr/bin/speaker-test --device plughw:Loopback,1,0 --channels 1 --rate 16000 --test pink
StandardOutput=null
Restart=always
RestartSec=2
UNIT
  ln -sf /etc/systemd/system/noise.service "$ROOT/etc/systemd/system/multi-user.target.wants/noise.service"
  # everything under emulation takes ten times as long, the model's loading too
  mkdir -p "$ROOT/etc/systemd/system/affectfusion.service.d"
  printf '[Service]\nTimeoutStartSec=600\nWatchdogSec=60\n' \
    >"$ROOT/etc/systemd/system/affectfusion.service.d/emulated.conf"
}

make_disk() {
  cp "$ROOT"/boot/vmlinuz-* "$CACHE/vmlinuz"
  cp "$ROOT"/boot/initrd.img-* "$CACHE/initrd"
  rm -f "$CACHE/disk.partial"
  mkfs.ext4 -q -F -L rootfs -d "$ROOT" "$CACHE/disk.partial" 4G
  mv "$CACHE/disk.partial" "$CACHE/disk.ext4"
}

mkdir -p "$CACHE"
register_emulator
bootstrap
make_it_a_pi
plug_in_sensors
make_disk
rm -rf --one-file-system "$ROOT"
say "$CACHE/disk.ext4 is ready"
