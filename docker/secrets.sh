#!/bin/sh
# Makes the secrets of docker/compose.yaml, each in a file of its own; what is there already stays.
#   docker/secrets.sh [FOLDER]                     (docker/secrets if none is given)
# Only the folder's owner gets at them on the host. Each container sees the files that it is given, and reads them as
# whatever user it runs as; therefore the files themselves can be read by all.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 0700 "$folder"

random() {
    od -An -tx1 -N32 /dev/urandom | tr -d ' \n'
}

keep() { # NAME VALUE
    [ -s "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
    chmod 0444 "$folder/$1"
}

keep api-key "$(random)"
keep owner-password "$(random)"
keep receiver-password "$(random)"
keep grafana-password "$(random)"
keep owner-url "postgresql://alpine_owner:$(cat "$folder/owner-password")@database/alpine"
keep receiver-url "postgresql://alpine_app:$(cat "$folder/receiver-password")@database/alpine"
