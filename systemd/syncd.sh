#!/bin/sh
# The command `syncd` of an installed server: runs what is typed as the daemon's user, with the daemon's settings,
# credentials and state directory. `install.sh` puts it into /usr/local/bin and fills in the next line.
# Called `syncd-maintenance`, it runs the scripts of scripts/maintenance by their names.
root=

set -eu
program=$root/opt/syncd/current/.venv/bin/syncd

fail() {
  echo "error: $1" >&2
  exit 2
}

firm=${SYNCD_FIRM:-}
if [ "${1:-}" = --firm ]; then
  [ $# -ge 2 ] || fail "--firm needs the name of a firm"
  firm=$2
  shift 2
fi
case $firm in *[!a-z0-9-]* | -*) fail "the name of a firm has small letters, digits and hyphens only" ;; esac
name=syncd${firm:+-$firm}
settings=$root/etc/$name/syncd.env
credentials=$root/etc/$name/credentials
state=$root/var/lib/$name

[ -x "$program" ] || fail "$program is missing: run install.sh again"
script=
if [ "$(basename "$0")" = syncd-maintenance ]; then
  there=$(cd "$root/opt/syncd/current/scripts/maintenance" && for one in [a-z]*.py; do echo "${one%.py}"; done | grep -vx program | tr '\n' ' ')
  script=${1:-}
  case " $there" in *" $script "*) ;; *) fail "syncd-maintenance needs the name of a script: $there" ;; esac
fi

# Only root can read the settings and become the daemon's user.
if [ "$(id -u)" -ne 0 ] && [ -z "$root" ]; then
  command -v sudo >/dev/null || fail "run it as root"
  exec sudo -- "$0" ${firm:+--firm "$firm"} "$@"
fi
if [ ! -d "$credentials" ]; then
  others=
  for folder in "$root"/etc/syncd-*/; do
    [ -d "$folder/credentials" ] && others="$others $(basename "$folder" | cut -c 7-)"
  done
  fail "no settings in $root/etc/$name${others:+; firms:$others (syncd --firm NAME …)}"
fi

# Nothing of the caller's environment reaches the command but how his terminal is, and an administrator's login.
for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
  case $variable in
    TERM | LANG | LC_* | COLUMNS | LINES | NO_COLOR | TZ | ESPOCRM_ADMIN_USER | ESPOCRM_ADMIN_PASSWORD) ;;
    *) unset "$variable" 2>/dev/null || : ;;
  esac
done
export PATH=/usr/local/bin:/usr/bin:/bin HOME="$state" STATE_DIRECTORY="$state"

# As systemd reads an EnvironmentFile; what it would read in a way of its own is refused.
number=0
while IFS= read -r line || [ -n "$line" ]; do
  number=$((number + 1))
  line=${line#"${line%%[![:space:]]*}"}
  case $line in [A-Za-z_]*=*) ;; *) continue ;; esac
  key=${line%%=*}
  key=${key%"${key##*[![:space:]]}"}
  value=${line#*=}
  value=${value#"${value%%[![:space:]]*}"}
  value=${value%"${value##*[![:space:]]}"}
  case $value in
    \"*\") value=${value#\"} value=${value%\"} ;;
    \'*\') value=${value#\'} value=${value%\'} ;;
  esac
  case $value in
    *[\\\"\']*) fail "$settings, line $number: quotes and backslashes are read differently by everybody; put this value as a file into $credentials" ;;
  esac
  case $key in *[!A-Za-z0-9_]*) fail "$settings, line $number: this is no name of a setting" ;; esac
  export "$key=$value"
done <"$( [ -f "$settings" ] && echo "$settings" || echo /dev/null )"

# Credentials beat the settings, as in the unit.
for file in "$credentials"/*; do
  key=$(basename "$file" | tr '[:lower:]' '[:upper:]')
  case $key in ADVOWARE_* | ESPOCRM_* | SYNCD_* | REDIS_URL | DATABASE_URL) ;; *) continue ;; esac
  case $key in *[!A-Z0-9_]*) continue ;; esac
  if [ -f "$file" ]; then export "$key=$(cat "$file")"; fi
done

if [ -n "$script" ]; then
  shift
  set -- -m "scripts.maintenance.$script" "$@"
  program=$root/opt/syncd/current/.venv/bin/python
  export PYTHONPATH="$root/opt/syncd/current"
fi
cd "$state"
umask 077
if [ -n "$root" ]; then exec "$program" "$@"; fi
exec setpriv --reuid="$name" --regid="$name" --init-groups -- "$program" "$@"
