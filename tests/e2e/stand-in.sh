#!/bin/sh
# What the postgres image's entrypoint does, as far as docker/compose.yaml relies on it: an empty volume becomes a
# cluster with POSTGRES_USER (whose password POSTGRES_PASSWORD_FILE holds) and POSTGRES_DB. Other commands run as they are.
set -eu
data=/var/lib/postgresql/data

as_postgres() {
    setpriv --reuid postgres --regid postgres --clear-groups "$@"
}

[ "$1" = postgres ] || exec "$@"
mkdir -p $data
chown postgres: $data
chmod 0700 $data
if [ ! -s $data/PG_VERSION ]; then
    as_postgres initdb -D $data -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256
    echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | as_postgres postgres --single -D $data postgres
fi
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -D $data -c listen_addresses='*'
