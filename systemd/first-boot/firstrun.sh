#!/usr/bin/env bash
# Raspberry Pi OS Bookworm runs this once before its services, because cmdline.txt says so (systemd.run=). It gives the
# box its name, Wi-Fi and user, hands over to first-boot.sh and takes itself off the card; then the Pi restarts.
#
# A step that fails is reported and the others still run: a box that starts is better than one that does not.
set -uo pipefail

readonly ROOT=${FIRST_BOOT_ROOT:-}
readonly CARD=$ROOT/boot/firmware
readonly PARCEL=$CARD/affectfusion
readonly MODS=$ROOT/usr/lib/raspberrypi-sys-mods/imager_custom USERCONF=$ROOT/usr/lib/userconf-pi/userconf

HOSTNAME_WANTED='' WIFI_SSID='' WIFI_COUNTRY='' SSH_KEY=''
# shellcheck disable=SC1091  # written by prepare-card
. "$PARCEL/box.env"

readonly RESULT=$CARD/affectfusion-result.txt

failed() { printf 'not installed yet: the first start could not %s\n' "$1" >"$RESULT"; }

name_box() {
  if [[ -x $MODS ]]; then
    "$MODS" set_hostname "$HOSTNAME_WANTED"
  else
    printf '%s\n' "$HOSTNAME_WANTED" >"$ROOT/etc/hostname"
    sed -i '/^127\.0\.1\.1/d' "$ROOT/etc/hosts"
    printf '127.0.1.1\t%s\n' "$HOSTNAME_WANTED" >>"$ROOT/etc/hosts"
  fi
}

join_wifi() {
  local key=$PARCEL/secrets/wifi-psk
  [[ -n $WIFI_SSID && -s $key ]] || return 0
  "$MODS" set_wlan "$WIFI_SSID" "$(<"$key")" "$WIFI_COUNTRY"
}

# The one user that the image has gets a name, no password, and the technician's key where there is one.
set_user() {
  if [[ -x $USERCONF ]]; then
    "$USERCONF" technician '*' || return
  fi
  [[ -z $SSH_KEY ]] || "$MODS" enable_ssh -k "$SSH_KEY"
}

take_hook_off() {
  # word by word: other tools append to the same line
  sed -E 's/ ?systemd\.(run|run_success_action|run_failure_action|unit)=[^ ]*//g' "$CARD/cmdline.txt" >"$CARD/cmdline.new" &&
    mv -f "$CARD/cmdline.new" "$CARD/cmdline.txt"
}

name_box || failed "set the host name"
join_wifi || failed "set up the Wi-Fi"
set_user || failed "set up the user"
bash "$PARCEL/first-boot.sh" take || failed "take the parcel from the card"
take_hook_off || failed "change cmdline.txt"
rm -f "$CARD/firstrun.sh"
sync
exit 0
