#!/bin/bash
# Sets alpine-sender up as a service on Argo's host: writes its settings, its key and a drop-in for its unit, enables
# and starts it, and has it checked. Can be run again; a run that is stopped half-way leaves each file either old or new.
# The key is in no argument and in no output (but with --show-key), and in no file that anybody but root can read.
set -euo pipefail
umask 077

NAME=${0##*/}
UNIT=alpine-sender.service
MARK="# Written by the set-up of alpine-sender."
KEY_PATTERN='^[!-~]+$' KEY_MAX=256

help() {
    cat <<END
usage: $NAME [options]

Sets alpine-sender up as a service. Asks on a terminal for what no option gives; what was set up before is the default.

  --url URL         Alpine's address, such as https://alpine.example
  --database FILE   Argo's SQLite file
  --log FILE        Argo's log of signals; an empty value: none
  --user USER       Argo's user, if it is not the owner of the database
  --key-file FILE   take the key from this file; - is standard input
  --generate-key    make a key, if there is none yet
  --show-key        print the key at the end
  --no-start        write the files, but neither enable nor start the service
  --dry-run         change nothing, and say what would be done
  --uninstall       stop and disable the service, and remove what was set up; keeps the state directory
  --purge           with --uninstall: remove the state directory too, with the positions and the dead letters
  --root DIR        work on the system below this directory
  --help            this text

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 set up, but the checks found something.
END
}

# --- what is said, and how it ends ------------------------------------------------------------------------------

temporary=''
trap '[ -z "$temporary" ] || rm -f "$temporary"' EXIT
trap 'printf "\n%s: stopped; run it again to go on\n" "$NAME" >&2; exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$NAME" "$*" >&2; exit 1; }
usage_error() { printf '%s: %s\nTry: %s --help\n' "$NAME" "$*" "$NAME" >&2; exit 2; }

attention=''
warn() { say "  attention: $*"; attention=yes; }

# Says what is done, and does it if this is no rehearsal.
act() {
    local what=$1
    shift
    if [ -n "$dry_run" ]; then
        say "  would $what"
    else
        say "  $what"
        "$@"
    fi
}

# --- options ----------------------------------------------------------------------------------------------------

url='' database='' log='' user='' key_file='' root=''
generate_key='' show_key='' no_start='' dry_run='' uninstall='' purge=''
declare -A given=()

take_options() {
    local name value
    while [ $# -gt 0 ]; do
        name=${1%%=*}
        case $name in
            --url | --database | --log | --user | --key-file | --root)
                if [ "$name" != "$1" ]; then
                    value=${1#*=}
                else
                    [ $# -ge 2 ] || usage_error "$name needs a value"
                    value=$2
                    shift
                fi
                case $name in
                    --user | --key-file | --root) [ -n "$value" ] || usage_error "$name needs a value" ;;
                esac
                name=${name#--}
                printf -v "${name//-/_}" '%s' "$value"
                given[$name]=yes
                ;;
            --generate-key | --show-key | --no-start | --dry-run | --uninstall | --purge)
                [ "$name" = "$1" ] || usage_error "$name takes no value"
                name=${name#--}
                printf -v "${name//-/_}" yes
                ;;
            --help | -h) help; exit 0 ;;
            --key | --api-key | --argo-api-key)
                usage_error "a key on the command line can be read by every user of this host; use --key-file FILE" ;;
            *) usage_error "unknown option $name" ;;
        esac
        shift
    done
    [ -z "$purge" ] || [ -n "$uninstall" ] || usage_error "--purge goes with --uninstall"
    [ -z "$key_file" ] || [ -z "$generate_key" ] || usage_error "--key-file or --generate-key, not both"
}

# --- files ------------------------------------------------------------------------------------------------------

# What the environment file has for this name, without the quotes and, as systemd reads it, the blanks around it; empty
# if it is not there.
setting() {
    local value=''
    if [ -r "$env_file" ]; then
        value=$(sed -n "s/^[[:blank:]]*$1[[:blank:]]*=[[:blank:]]*//p" "$env_file" | tail -n 1)
    fi
    value=${value%"${value##*[![:space:]]}"}
    if [[ $value == \"*\" || $value == \'*\' ]]; then value=${value:1:-1}; fi
    printf '%s' "$value"
}

# Writes what comes in as this file: the old one or the new one, never half of one, whenever the power goes.
write_file() {
    local file=$1 mode=$2
    temporary=$file.new
    rm -f "$temporary" # of a run that was killed
    cat >"$temporary" || die "$file could not be written"
    chmod "$mode" "$temporary"
    sync "$temporary"
    mv -fT "$temporary" "$file"
    temporary=''
    sync "${file%/*}"
}

is_in_order() { [ -f "$1" ] && [ "$(stat -c %a "$1")" = "$2" ] && cmp -s "$1" -; }

# Makes the file, with this mode, say this text.
put() {
    local file=$1 mode=$2 text=$3
    if is_in_order "$file" "$mode" <<<"$text"; then
        say "  unchanged: $file"
        return
    fi
    changed=yes
    if [ -n "$dry_run" ]; then
        say "  would write $file (mode $mode)"
        return
    fi
    write_file "$file" "$mode" <<<"$text"
    say "  wrote $file (mode $mode)"
}

# Nothing may be in the way of the files, and nobody else may put something there while they are written.
check_places() {
    local place
    for place in "$installed_key" "$env_file" "$drop_in" "$own_unit"; do
        [ ! -e "$place" ] || [ -f "$place" ] || die "$place is in the way, and no file: remove it"
    done
    place=${installed_key%/*}
    [ -e "$place" ] || return 0
    [ -d "$place" ] || die "$place is in the way, and no directory: remove it"
    if [ -n "$dry_run" ] && [ "$(id -u)" -ne 0 ] && [ ! -r "$place" ]; then
        warn "what was set up before can be seen by root only: this takes it for nothing"
    elif [ ! -O "$place" ] || [ -n "$(find -H "$place" -maxdepth 0 -perm /022)" ]; then
        die "others may write in $place, which holds the key: chown root: $place; chmod 0700 $place"
    fi
}

make_directory() {
    [ -d "$1" ] || act "make the directory $1" install -d -m "$2" "$1"
}

# --- what it needs to know --------------------------------------------------------------------------------------

is_terminal() { [ -t 0 ] && [ -t 2 ]; }

# The value of an option: given, or asked for, or what was set up before.
find_out() {
    local name=$1 question=$2 before=$3 answer
    [ -z "${given[$name]:-}" ] || return 0
    printf -v "$name" '%s' "$before"
    is_terminal || return 0
    read -r -p "$question${before:+ [$before]}: " answer || die "no answer"
    [ -z "$answer" ] || printf -v "$name" '%s' "$answer"
}

check_url() {
    [ -n "$url" ] || usage_error "--url is missing: Alpine's address"
    [[ $url =~ ^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?(/[A-Za-z0-9._/~-]*)?$ ]] ||
        usage_error "--url must be http:// or https:// with a host, without a user name or a query"
    if [[ $url == http://* && ! $url =~ ^http://(localhost|127(\.[0-9]+){3}|\[::1\])([:/]|$) ]]; then
        warn "with http:// everybody on the way can read the key; use https:// unless a tunnel is around it"
    fi
}

# Paths go into files that systemd reads, which has a meaning of its own for some characters.
check_path() {
    [[ $2 == /* ]] || usage_error "$1 must be an absolute path: $2"
    [[ $2 =~ ^[A-Za-z0-9/._@+,=~\ -]+$ ]] ||
        usage_error "$1 may have letters, digits, spaces and / . _ @ + , = ~ - only"
}

# The path without the links that lead there.
behind_links() {
    local path
    path=$(realpath -m -- "$root$1")
    printf '%s' "${path#"$root"}"
}

check_files() {
    [ -n "$database" ] || usage_error "--database is missing: Argo's SQLite file"
    check_path --database "$database"
    check_path --database "$(behind_links "$database")"
    if [ -n "$log" ]; then
        check_path --log "$log"
        check_path --log "$(behind_links "$log")"
    fi
    if [ -e "$root$database" ]; then
        [ -f "$root$database" ] || die "$database is no file: --database is Argo's SQLite file"
    elif [ -z "$user" ]; then
        die "$database is not there. Is --database right? If Argo has not made it yet, name Argo's user with --user"
    else
        warn "$database is not there yet"
    fi
}

find_user() {
    local owner name
    if [ -n "$user" ]; then # perhaps by its number
        name=$(id -un -- "$user" 2>/dev/null) || die "there is no user $user on this host"
        user=$name
    fi
    if [ -f "$root$database" ]; then
        owner=$(stat -c %U "$root$database")
        if [ -z "$user" ]; then
            [ "$owner" != UNKNOWN ] || die "the owner of $database has no name; name Argo's user with --user"
            user=$owner
        elif [ "$user" != "$owner" ]; then
            warn "$database belongs to $owner, not to $user: the sender has to run as Argo's own user"
        fi
    fi
    group=$(id -gn -- "$user" 2>/dev/null) || die "there is no user $user on this host"
}

make_key() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# Where the key comes from: an option, what is there, a question; in this order. Sets `key` and `key_origin`; a
# rehearsal without the right to read the key that is there has none.
find_key() {
    key_origin='' key=''
    if [ "$key_file" = - ]; then
        key_origin="standard input"
        key=$(cat)
    elif [ -n "$key_file" ]; then
        key_origin=$key_file
        [ -r "$key_file" ] || die "the key's file cannot be read: $key_file"
        key=$(cat "$key_file")
    elif [ -e "$installed_key" ]; then
        key_origin=$installed_key
        [ -r "$installed_key" ] || return 0
        key=$(cat "$installed_key")
    elif [ -n "$generate_key" ]; then
        key_origin=made
    elif is_terminal; then
        read -r -s -p "The key that Alpine's receiver knows (not shown; empty: make a new one): " key || die "no answer"
        echo >&2
        if [ -n "$key" ]; then key_origin=typed; else key_origin=made; fi
    else
        usage_error "there is no key yet: --key-file FILE, --key-file - or --generate-key"
    fi
    if [ "$key_origin" = made ]; then key=$(make_key); fi
    key=${key%$'\r'}
    local LC_ALL=C
    [[ $key =~ $KEY_PATTERN ]] || die "the key ($key_origin) must be printable ASCII without spaces, on one line"
    [ "${#key}" -le "$KEY_MAX" ] || die "the key ($key_origin) has more than $KEY_MAX characters"
}

find_program() {
    program=$(command -v alpine-sender) ||
        die "alpine-sender is not installed: install its package, or \`cmake --install\`"
}

# --- what it writes ---------------------------------------------------------------------------------------------

# A line of an environment file as systemd takes it; nothing for no value.
env_line() {
    if [[ $2 == *' '* ]]; then
        printf '%s="%s"' "$1" "$2"
    elif [ -n "$2" ]; then
        printf '%s=%s' "$1" "$2"
    fi
}

# The text that comes in with one setting changed: lines that are not known stay as and where they are.
with_setting() {
    LINE=$(env_line "$1" "$2") awk -v name="^[ \t]*$1[ \t]*=" '
        $0 ~ name { if (!done && ENVIRON["LINE"] != "") print ENVIRON["LINE"]; done = 1; next }
        { print }
        END { if (!done && ENVIRON["LINE"] != "") print ENVIRON["LINE"] }'
}

env_text() {
    if [ -e "$env_file" ]; then cat "$env_file"; else say "$MARK"; fi |
        with_setting ALPINE_API_URL "$url" | with_setting ARGO_SIGNALS_DB "$database" |
        with_setting ARGO_SIGNALS_LOG "$log"
}

# The directories of Argo's files that the unit hides: those that are named, and those that links lead to.
hidden_directories() {
    local file
    for file in "$database" "$log" "$(behind_links "$database")" "${log:+$(behind_links "$log")}"; do
        if [[ $file =~ ^/(home|root|run/user|tmp|var/tmp)/ ]]; then printf '%s\n' "${file%/*}"; fi
    done | sort -u
}

drop_in_text() {
    local directory
    printf '%s\n' "$MARK Changes belong into another file: systemctl edit alpine-sender" \
        "[Service]" "User=$user" "Group=$group"
    hidden_directories | while IFS= read -r directory; do printf 'BindReadOnlyPaths="%s"\n' "$directory"; done
}

is_ours() { [ -f "$1" ] && head -n 1 "$1" | grep -qF "$MARK"; }

has_only_our_lines() {
    ! tail -n +2 "$env_file" | grep -qvE '^(ALPINE_API_URL|ARGO_SIGNALS_DB|ARGO_SIGNALS_LOG)=|^[[:space:]]*$'
}

# With what a run that was killed may have left beside it.
remove() {
    if [ -e "$1" ] || [ -e "$1.new" ]; then act "remove $1" rm -f "$1" "$1.new"; fi
}

# The unit of the package, or of `cmake --install`; otherwise the one beside this script is installed.
put_unit() {
    local place own
    for place in /usr/lib /lib /usr/local/lib; do
        [ -f "$root$place/systemd/system/$UNIT" ] || continue
        if is_ours "$own_unit"; then remove "$own_unit"; fi
        return
    done
    own=$(dirname "$(readlink -f "$0")")/systemd/$UNIT
    [ -f "$own" ] || die "the unit $UNIT is not installed: install the package of alpine-sender, or \`cmake --install\`"
    put "$own_unit" 644 "$MARK"$'\n'"$(cat "$own")"
}

# As systemd makes it at the service's start; the checks look at it before.
make_state_directory() {
    [ ! -d "$state" ] || return 0
    make_directory "${state%/*}" 0755
    if [ "$(id -u)" -eq 0 ]; then
        act "make the directory $state, for $user" install -d -m 0700 -o "$user" -g "$group" "$state"
    else
        make_directory "$state" 0700
    fi
}

write_files() {
    local settings
    settings=$(env_text)
    say "Files:"
    make_directory "$root/etc/alpine-sync" 0700
    if [ -n "$key" ]; then put "$installed_key" 600 "$key"; else say "  unchanged: $installed_key"; fi
    put "$env_file" 600 "$settings"
    local name
    for name in ARGO_API_KEY ARGO_API_KEY_FILE; do
        [ -z "$(setting "$name")" ] ||
            warn "$env_file sets $name, which goes before $installed_key: remove that line"
    done
    make_directory "${own_unit%/*}" 0755
    put_unit
    make_directory "${drop_in%/*}" 0755
    put "$drop_in" 644 "$(drop_in_text)"
    make_state_directory
}

# --- the service ------------------------------------------------------------------------------------------------

has_systemd() { [ -d "$root/run/systemd/system" ] && command -v systemctl >/dev/null; }

# An earlier run may have been stopped between its files and the restart.
is_older_than_its_files() {
    local started file
    started=$(systemctl show --property=ActiveEnterTimestamp --value "$UNIT") || return 0
    started=$(date -d "$started" +%s 2>/dev/null) || return 0
    for file in "$installed_key" "$env_file" "$drop_in"; do
        if [ -e "$file" ] && [ "$(stat -c %Y "$file")" -gt "$started" ]; then return 0; fi
    done
    return 1
}

start_service() {
    say "Service:"
    if [ -n "$no_start" ]; then
        say "  not started, as you asked; later: systemctl enable --now alpine-sender"
        return
    fi
    if ! has_systemd; then
        say "  systemd does not run here: the service is neither enabled nor started"
        say "  where it runs: systemctl enable --now alpine-sender"
        return
    fi
    act "have systemd read its units anew" systemctl daemon-reload
    if systemctl is-enabled --quiet "$UNIT" 2>/dev/null; then
        say "  unchanged: $UNIT is enabled"
    else
        act "enable $UNIT" systemctl --quiet enable "$UNIT"
    fi
    if [ -z "$changed" ] && systemctl is-active --quiet "$UNIT" && ! is_older_than_its_files; then
        say "  unchanged: $UNIT runs"
    elif ! act "start $UNIT" systemctl restart "$UNIT"; then
        warn "$UNIT did not start; see: systemctl status alpine-sender, journalctl -u alpine-sender"
    fi
}

# Runs the program as Argo's user with what the service has in its environment, and nothing of this shell's. The key goes by the environment, which only this user and
# root can read: the user cannot read the key's file, and the service neither (systemd hands it a copy).
run_as_user() (
    cd /
    as_user=()
    if [ "$(id -un)" != "$user" ]; then as_user=(runuser -u "$user" --); fi
    while IFS= read -r name; do
        case $name in PATH | LANG | LC_* | SHELLOPTS | BASHOPTS) ;; *) export -n "${name?}" ;; esac
    done < <(compgen -e)
    for name in "${!ALPINE_@}" "${!ARGO_@}"; do unset "$name"; done
    while IFS= read -r name; do
        case $name in
            PATH | UID | EUID | PPID | SHELLOPTS | BASHOPTS | BASH_*) ;; # the shell's own
            *) export "$name=$(setting "$name")" ;;
        esac
    done < <(sed -n 's/^[[:blank:]]*\([A-Za-z_][A-Za-z0-9_]*\)[[:blank:]]*=.*/\1/p' "$env_file")
    unset ARGO_API_KEY_FILE
    export ARGO_API_KEY=$key ALPINE_STATE_DIR="${ALPINE_STATE_DIR:-$state}"
    export ARGO_SIGNALS_DB="$root$database" ARGO_SIGNALS_LOG="${log:+$root$log}"
    exec "${as_user[@]}" "$program" "$1" </dev/null 2>&1
)

check() {
    local command code
    for command in check test; do
        say "alpine-sender $command, as $user:"
        if [ -n "$dry_run" ]; then
            say "  would run it"
            continue
        fi
        code=0
        run_as_user "$command" | sed 's/^/  /' || code=$?
        [ "$code" -eq 0 ] || warn "alpine-sender $command ended with $code"
    done
}

say_what_is_left() {
    if [ -n "$dry_run" ]; then
        say "This was a rehearsal: nothing has been changed."
        return
    fi
    say "What is left to do:"
    if [ "$key_origin" = made ]; then
        say "  Alpine's receiver has to get the new key, as EXTERNAL_SIGNAL_API_KEY. It is in $installed_key;"
        say "  hand it over where nobody reads along: ssh alpine 'umask 077; cat > /etc/alpine-sync/api-key' < $installed_key"
        say "  Until then the sender keeps everything, and tries every 30 seconds."
    fi
    if [ -n "$attention" ]; then
        say "  See to what is said above (attention), then run this again: $NAME"
    elif [ "$key_origin" != made ]; then
        say "  Nothing. To see how it goes: systemctl status alpine-sender, journalctl -u alpine-sender"
    fi
    if [ -n "$show_key" ] && [ -n "$key" ]; then say "Key: $key"; fi
}

set_up() {
    find_program
    check_places
    find_out url "Alpine's address" "$(setting ALPINE_API_URL)"
    check_url
    find_out database "Argo's SQLite file" "$(setting ARGO_SIGNALS_DB)"
    find_out log "Argo's log of signals (if there is one)" "$(setting ARGO_SIGNALS_LOG)"
    check_files
    find_user
    find_key
    write_files
    start_service
    check
    say_what_is_left
    [ -z "$attention" ] || exit 3
}

# --- and back ---------------------------------------------------------------------------------------------------

remove_empty() {
    [ -n "$dry_run" ] || rmdir "$1" 2>/dev/null || true
}

remove_files() {
    say "Files:"
    if is_ours "$own_unit"; then remove "$own_unit"; fi
    remove "$drop_in"
    remove_empty "${drop_in%/*}"
    if is_ours "$env_file" && has_only_our_lines; then
        remove "$env_file"
    elif is_ours "$env_file"; then
        say "  left: $env_file, which has lines of yours"
    elif [ -e "$env_file" ]; then
        say "  left: $env_file, which was there before"
    fi
    if [ -e "$root/etc/alpine-sync/receiver.env" ] || [ -e "$root/etc/alpine-sync/database-url" ]; then
        say "  left: $installed_key, which is the receiver's too"
    else
        remove "$installed_key"
    fi
    remove_empty "$root/etc/alpine-sync"
    [ -d "$state" ] || return 0
    if [ -n "$purge" ]; then
        act "remove $state, with the positions and the dead letters" rm -rf "$state"
    else
        say "  left: $state, with the positions and the dead letters (--purge removes it)"
    fi
}

tear_down() {
    say "Service:"
    if has_systemd && ! systemctl cat "$UNIT" >/dev/null 2>&1 && ! systemctl is-active --quiet "$UNIT"; then
        say "  there is no $UNIT: nothing to stop"
    elif has_systemd; then
        act "stop and disable $UNIT" systemctl --quiet disable --now "$UNIT" || warn "$UNIT could not be stopped"
    else
        say "  systemd does not run here: nothing to stop"
    fi
    remove_files
    if has_systemd; then act "have systemd read its units anew" systemctl daemon-reload; fi
    [ -z "$attention" ] || exit 3
}

take_options "$@"
if [ -n "$root" ]; then
    [ -d "$root" ] || die "there is no directory $root"
    root=$(realpath -- "$root")
    root=${root%/}
fi
env_file=$root/etc/alpine-sync/sender.env
installed_key=$root/etc/alpine-sync/api-key
own_unit=$root/etc/systemd/system/$UNIT
drop_in=$root/etc/systemd/system/$UNIT.d/10-setup.conf
state=$root/var/lib/alpine-sync
changed=''

[ "$(id -u)" -eq 0 ] || [ -n "$dry_run" ] || [ -n "$root" ] || die "this needs root; --dry-run does not"
if [ -n "$uninstall" ]; then tear_down; else set_up; fi
