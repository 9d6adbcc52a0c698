#!/usr/bin/env bash
# Sees to a PostgreSQL server for the tests, which start one of their own. Without it they skip by name, so that this
# never fails.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT

found() { # the same places as the tests look
  command -v initdb >/dev/null && return 0
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "No PostgreSQL here: fetching one for the tests ..."
  # Debian would otherwise make a cluster that runs beside: nobody asked for one.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  timeout 60 apt-get -qq update >"$log" 2>&1
  DEBIAN_FRONTEND=noninteractive timeout 240 apt-get -qq install -y --no-install-recommends postgresql >"$log" 2>&1
  found && exit 0
fi
echo "No PostgreSQL server could be had, so the tests over one will be skipped." >&2
exit 0
