#!/bin/sh
# Installs syncd on a server with systemd, or brings an installed one to this version. Every step may be repeated.
set -eu
umask 022

usage() {
  cat <<'END'
Usage: sudo ./install.sh [--firm NAME] [--dry-run]
       sudo ./install.sh --uninstall [--firm NAME] [--purge] [--dry-run]

Installs the program, or upgrades it for all firms of this server. What runs is stopped, its ledger copied, and it is
started again. What does not run is not started.

  --firm NAME   a firm of its own beside others (small letters, digits, hyphens)
  --uninstall   stop and remove; settings, secrets and the ledger stay
  --purge       with --uninstall: remove these too, and the user
  --dry-run     only show what would be done
  --root DIR    for a look or a test: everything below DIR, as whoever you are, without users and systemd

PYTHON=/usr/bin/python3.12 takes this Python (3.11 or newer) instead of the first one found below /usr.
END
}

fail() {
  echo "error: $1" >&2
  exit "${2:-1}"
}

# Tell a step, and do it unless only a look was wanted.
run() {
  echo "- $1"
  shift
  [ -n "$dry" ] || "$@"
}

firm='' dry='' root='' uninstall='' purge=''
while [ $# -gt 0 ]; do
  case $1 in
    --firm | --root) [ $# -ge 2 ] || fail "$1 needs a value" 2 ;;
  esac
  case $1 in
    --firm) firm=$2 && shift ;;
    --root) root=${2%/} && shift ;;
    --dry-run) dry=yes ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
# A user's name has 32 letters at most, and ours begins with `syncd-`.
case $firm in *[!a-z0-9-]* | -* | ???????????????????????*) fail "--firm: small letters, digits and hyphens, 22 at most" 2 ;; esac
case $root in '' | /*) ;; *) fail "--root: the path must begin with /" 2 ;; esac
[ -z "$purge" ] || [ -n "$uninstall" ] || fail "--purge goes with --uninstall" 2
[ -n "$root$dry" ] || [ "$(id -u)" -eq 0 ] || fail "run it as root: sudo ./install.sh"

here=$(cd "$(dirname "$0")" && pwd)
opt=$root/opt/syncd
units=$root/etc/systemd/system
wrapper=$root/usr/local/bin/syncd
name=syncd${firm:+-$firm}
etc=$root/etc/$name
state=$root/var/lib/$name
contents='LICENSE config.py mappers pyproject.toml requirements.lock scripts services syncd'

# --- what is there ----------------------------------------------------------------------------

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# Every firm with settings on this server by the name of its user and folders.
known() {
  for folder in "$root"/etc/syncd "$root"/etc/syncd-*; do
    if [ -d "$folder/credentials" ]; then basename "$folder"; fi
  done
}

# Our units that are at work, timers first: they would start what was just stopped.
at_work() {
  has_systemd || return 0
  systemctl list-units --plain --no-legend --state=active,activating,reloading 'syncd*' |
    grep -oE '^syncd(-run)?(@[a-z0-9-]+)?\.(timer|service)' | sort -t. -k2,2r
}

# The installed command for a firm known by the name of its user.
syncd() {
  case $1 in
    syncd) shift && "$wrapper" "$@" ;;
    *) firm_=${1#syncd-} && shift && "$wrapper" --firm "$firm_" "$@" ;;
  esac
}

# --- the program ------------------------------------------------------------------------------

# Services see nothing below anybody's home, so a Python from there would not do.
find_python() {
  for python in ${PYTHON:-/usr/bin/python3 /usr/local/bin/python3 /usr/bin/python3.1[1-9]}; do
    if "$python" -c '
import ensurepip, os, sys, venv
at_home = os.path.realpath(sys.executable).startswith(("/root/", "/home/"))
sys.exit(at_home or sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python" && return
    fi
  done
  fail "no Python 3.11 or newer with venv outside of homes (Debian, Ubuntu: apt install python3 python3-venv)"
}

packed() {
  # shellcheck disable=SC2086 # a list of names
  tar -C "$here" --sort=name --mtime=@0 --owner=0 --group=0 --exclude=__pycache__ -cf - $contents
}

copy_program() {
  rm -rf "$1"
  mkdir -p "$1"
  packed | tar -C "$1" --no-same-owner -xf -
  chmod -R a+rX,go-w "$1"
}

build_program() {
  "$2" -m venv "$1/.venv"
  "$1/.venv/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r "$1/requirements.lock"
  "$1/.venv/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e "$1"
  "$1/.venv/bin/syncd" --version >"$1/complete"
}

use_program() {
  ln -sfn "$1" "$opt/current.new"
  mv -T "$opt/current.new" "$opt/current"
}

remove_older() {
  for folder in "$opt"/releases/*; do
    case $folder in "$1" | "$2") ;; *) rm -rf "$folder" ;; esac
  done
}

install_command() {
  mkdir -p "$(dirname "$wrapper")" "$units"
  sed "s|^root=\$|root=$root|" "$here/systemd/syncd.sh" >"$wrapper.new"
  chmod 755 "$wrapper.new"
  mv "$wrapper.new" "$wrapper"
  ln -sfn syncd "$wrapper-maintenance"
  for unit in "$here"/systemd/*.service "$here"/systemd/*.timer; do install -m 644 "$unit" "$units/"; done
  if has_systemd; then systemctl daemon-reload; fi
}

# --- a firm -----------------------------------------------------------------------------------

make_user() {
  id "$name" >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$name"
}

free_port() {
  port=8765
  while grep -qs "^SYNCD_HTTP_PORT=$port\$" "$root"/etc/syncd*/syncd.env; do port=$((port + 1)); done
  echo "$port"
}

# What is there stays as it is; only owners and rights are set anew.
make_folders() {
  mkdir -p "$etc/credentials" "$state"
  [ -e "$etc/syncd.env" ] || sed "s/^SYNCD_HTTP_PORT=.*/SYNCD_HTTP_PORT=$(free_port)/" "$here/systemd/syncd.env" >"$etc/syncd.env"
  [ -e "$etc/credentials/syncd_api_token" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$etc/credentials/syncd_api_token"
  chmod 750 "$etc"
  chmod 640 "$etc/syncd.env"
  chmod -R u=rwX,go= "$etc/credentials" "$state"
  if [ -z "$root" ]; then
    chown "root:$name" "$etc" "$etc/syncd.env"
    chown -R root:root "$etc/credentials"
    chown -R "$name:$name" "$state"
  fi
}

# --- upgrade ----------------------------------------------------------------------------------

copy_ledger() {
  [ ! -e "$root/var/lib/$1/ledger.db" ] || syncd "$1" backup "$root/var/lib/$1/$2" ||
    fail "the ledger could not be copied; nothing has been changed. Start again: systemctl start $working"
}

upgrade_ledger() { syncd "$1" db upgrade || way_back "the ledger of $1 could not be upgraded"; }

start() { systemctl start "$1" || way_back "$1 does not start: journalctl -u $1 -n 50"; }

way_back() {
  cat >&2 <<END
error: $1
To go back to the version before:
  systemctl stop $working
  ln -sfn $before $opt/current
  syncd restore $root/var/lib/syncd/$copy     (with --firm NAME for each firm; PostgreSQL: restore your own copy)
  systemctl start $working
END
  exit 1
}

upgrade() {
  working=$(at_work | tr '\n' ' ')
  before=$(readlink -f "$opt/current")
  copy=before-$(date +%Y%m%d-%H%M%S).db
  # shellcheck disable=SC2086 # a list of names
  [ -z "$working" ] || run "stop $working" systemctl stop $working
  for one in $(known); do run "copy the ledger of $one to $root/var/lib/$one/$copy" copy_ledger "$one" "$copy"; done
  run "make it the one that is used: $opt/current" use_program "$release"
  run "put the units into $units and the command into $wrapper" install_command
  for one in $(known); do
    if [ -e "$root/var/lib/$one/ledger.db" ] || grep -qs '^DATABASE_URL=.' "$root/etc/$one/syncd.env"; then
      run "bring the ledger of $one to the form of this version" upgrade_ledger "$one"
    fi
  done
  for unit in $working; do run "start $unit, and wait until it is ready" start "$unit"; done
  run "remove versions older than the one before" remove_older "$release" "$before"
}

install_all() {
  python=$(find_python)
  release=$opt/releases/$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$here/syncd/__init__.py")-$(packed | sha256sum | cut -c 1-8)
  if [ ! -e "$release/complete" ]; then
    run "copy the program to $release" copy_program "$release"
    run "install what it needs, by requirements.lock with hashes, for $python" build_program "$release" "$python"
  fi
  if [ ! -e "$opt/current" ]; then
    run "make it the one that is used: $opt/current" use_program "$release"
    run "put the units into $units and the command into $wrapper" install_command
  elif [ "$(readlink -f "$opt/current")" = "$release" ]; then
    run "put the units into $units and the command into $wrapper" install_command
  else
    upgrade
  fi
  # Without a name the firm is the only one; beside firms with names there is none of that kind.
  if [ -z "$firm" ] && [ ! -d "$etc" ] && [ -n "$(known)" ]; then return; fi
  [ -n "$root" ] || run "make the user $name, if there is none" make_user
  run "make $etc (settings, credentials) and $state, where they are missing; owners and rights" make_folders
  cat <<END

Installed. What to do now (docs/DEPLOYMENT.md):
  1. fill in $etc/syncd.env and the secrets in $etc/credentials
  2. syncd ${firm:+--firm $firm }setup espocrm        what EspoCRM needs
  3. syncd ${firm:+--firm $firm }doctor               says what is missing, and what to do
  4. systemctl enable --now syncd${firm:+@$firm}
END
}

# --- uninstall --------------------------------------------------------------------------------

stop_units() {
  unit=${firm:+@$firm}
  if has_systemd; then
    systemctl disable --now "syncd$unit.service" "syncd-run$unit.timer" 2>/dev/null || :
    systemctl stop "syncd-run$unit.service" 2>/dev/null || :
  fi
}

remove_program() {
  rm -rf "$opt" "$wrapper" "$wrapper-maintenance"
  for unit in "$here"/systemd/*.service "$here"/systemd/*.timer; do rm -f "$units/$(basename "$unit")"; done
  if has_systemd; then systemctl daemon-reload; fi
}

remove_data() {
  rm -rf "$etc" "$state"
  if [ -z "$root" ] && id "$name" >/dev/null 2>&1; then userdel "$name"; fi
}

uninstall_all() {
  others=$(known | grep -vx "$name" | tr '\n' ' ' || :)
  if [ -z "$firm" ] && [ ! -d "$etc" ] && [ -n "$others" ]; then
    fail "these firms use the program: $others(--uninstall --firm NAME)"
  fi
  run "stop and disable the units of $name" stop_units
  [ -z "$purge" ] || run "remove $etc, $state and the user $name" remove_data
  if [ -z "$others" ]; then
    run "remove $opt, $wrapper and the units" remove_program
  else
    echo "the program stays for $others"
  fi
  [ -n "$purge" ] || echo "kept: $etc and $state (--purge removes them)"
  echo "in EspoCRM: remove the webhooks of syncd and its API user; fields and values stay as they are"
}

if [ -n "$uninstall" ]; then uninstall_all; else install_all; fi
