# shellcheck shell=bash disable=SC2034
# Where everything of the appliance lies. AFFECTFUSION_ROOT puts it all under another root, for tests.

readonly ROOT=${AFFECTFUSION_ROOT:-}
readonly PREFIX=$ROOT/opt/affectfusion
readonly RELEASES=$PREFIX/releases
readonly CURRENT=$PREFIX/current
readonly PREVIOUS=$PREFIX/previous
# Names the release that is being tried: whoever finds it here was interrupted, or is being waited for.
readonly UNPROVEN=$PREFIX/unproven
readonly SETTINGS=$ROOT/etc/affectfusion
readonly CONFIGURATION=$SETTINGS/config.toml
readonly CREDENTIALS=$SETTINGS/credentials
readonly STATE=$ROOT/var/lib/affectfusion
readonly UNITS=$ROOT/etc/systemd/system
readonly COMMAND=$ROOT/usr/local/bin/affect-edge
readonly LOG=$ROOT/var/log/affectfusion-install.log
readonly LOCK=$ROOT/run/lock/affectfusion-install

readonly UNIT=affectfusion.service
readonly DASHBOARD_UNIT=affectfusion-dashboard.service
readonly ACCOUNT=affectfusion
