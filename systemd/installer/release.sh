# shellcheck shell=bash
# Releases lie side by side; the link `current` says which one runs. One is complete, or it is removed.

# What a device needs of a checkout.
readonly CONTENTS=(edge models_tflite systemd pyproject.toml install.sh README.md LICENSE NOTICE)
readonly COMPLETE=.complete
# Beside the current and the previous release, this many are kept.
readonly SPARE=1
readonly NEEDED_MB=800

building=

name_of() { basename "$(readlink -f "$1")"; }

is_complete() { [[ -n $1 && -e $RELEASES/$1/$COMPLETE ]]; }

# Sets `identity` to the name of the release that a folder makes with this Python: its version and a digest of all
# that matters.
identify() {
  local version digest part
  version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$1/edge/__init__.py" 2>/dev/null) || true
  [[ -n $version ]] || fail "$1 holds no AffectFusion Edge: edge/__init__.py names no version" 2
  for part in "${CONTENTS[@]}"; do
    [[ -e $1/$part ]] || fail "$1 is not whole: $part is missing" 2
  done
  digest=$(
    cd "$1"
    {
      "$python" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || true
      find "${CONTENTS[@]}" -type f ! -path '*/__pycache__/*' ! -path '*.egg-info/*' -print0 |
        sort -z | xargs -0 sha256sum
    } | sha256sum
  )
  identity=$version-${digest:0:8}
}

# Builds the release called `name` from `source`, unless it is there.
build_release() {
  local name=$1 source=$2 free
  local folder=$RELEASES/$name
  if is_complete "$name"; then
    say "release $name is built"
    return
  fi
  begin "building release $name"
  run mkdir -p "$folder"
  building=$folder
  if ! $dry_run; then
    free=$(df --output=avail -m "$folder" | tail -n 1)
    ((free >= NEEDED_MB)) || fail "the disk is full: ${free// /} MB are free below $PREFIX, and $NEEDED_MB are needed"
  fi
  run mkdir "$folder/app"
  run copy_sources "$source" "$folder/app"
  # The system's modules are let in for PyAudio, systemd, and the camera and pins of a Raspberry Pi.
  run "$python" -m venv --system-site-packages "$folder/venv"
  install_python_packages "$folder"
  # The service may not write beside its code, so Python's own cache is made here.
  run "$folder/venv/bin/python" -m compileall -q "$folder/app/edge"
  run "$folder/venv/bin/affect-edge" --version || fail "release $name does not start"
  run sync -f "$folder"
  run touch "$folder/$COMPLETE"
  building=
}

copy_sources() {
  tar -C "$1" --exclude=__pycache__ --exclude='*.egg-info' -cf - "${CONTENTS[@]}" |
    tar -C "$2" --no-same-owner --no-same-permissions -xf -
}

install_python_packages() {
  local options=(--no-input --no-cache-dir --disable-pip-version-check)
  [[ -z $wheels ]] || options+=(--no-index --find-links "$wheels")
  begin "installing Python packages (minutes on a Raspberry Pi)"
  run "$1/venv/bin/python" -m pip install "${options[@]}" --editable "$1/app[dashboard]" ||
    fail "pip could not install the Python packages; ${wheels:+are all wheels in $wheels? }$LOG has its words"
}

# Points a link at a release, in one step that nothing can see the middle of.
point() {
  run ln -sfn "releases/$2" "$1.new"
  run mv -T "$1.new" "$1"
}

remove_release() {
  [[ -n $1 ]] || return 0
  run rm -rf "${RELEASES:?}/$1"
}

# Removes what an interrupted installation left, and the oldest releases beyond those that are kept.
prune() {
  local release name spare=0
  [[ -d $RELEASES ]] || return 0
  while read -r release; do
    name=${release##*/}
    if ! is_complete "$name"; then
      say "removing $name, which was never finished"
    elif [[ $name == "$(name_of "$CURRENT")" || $name == "$(name_of "$PREVIOUS")" ]] || ((spare++ < SPARE)); then
      continue
    fi
    remove_release "$name"
  done < <(find "$RELEASES" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2-)
}
