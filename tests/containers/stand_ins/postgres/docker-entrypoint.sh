#!/usr/bin/env bash
# Makes the cluster where there is none, by POSTGRES_USER, _PASSWORD, _DB and _INITDB_ARGS, then becomes the server.
# As the official image does it: the server that makes the database listens on its socket alone.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
    # The arguments are words, as a shell reads them.
    eval "initdb --username=\"\$user\" --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") ${POSTGRES_INITDB_ARGS:-}"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
    pg_ctl --wait --options="-c listen_addresses=''" start
    [ "$database" = postgres ] ||
        psql --host=/var/run/postgresql --username="$user" --dbname=postgres --command="CREATE DATABASE \"$database\""
    pg_ctl --wait --mode=fast stop
fi
exec "$@"
