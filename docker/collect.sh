#!/bin/sh
# Collects what a program needs to run into a folder that becomes the root of an image: the program, its libraries, the
# loader, certificates, and the few files that libraries look for. No shell, no package manager, no second program.
#   collect.sh PROGRAM ROOT [DIRECTORY]...
# The directories are made, for volumes: any user may write there, because the image does not know Argo's. LOADED names
# libraries that the program loads only when it needs them.
set -eu
program=$1
root=$2
shift 2
id=10001 # the images' user; a number, so that an orchestrator can see that it is not root

copy() { # a file under the same path, and what a link leads to rather than the link
    mkdir -p "$root${1%/*}"
    cp -L "$1" "$root$1"
}

mkdir -p "$root/usr/bin" "$root/etc"
cp "$program" "$root/usr/bin/"
loaded=$(for name in ${LOADED:-}; do gcc -print-file-name="$name"; done)
# shellcheck disable=SC2086 # a list of paths
for file in "$program" $loaded; do
    ldd "$file" | awk '/=> \// { print $3 } /^\t\// { print $1 }'
done | while read -r library; do copy "$library"; done
for library in $loaded; do copy "$(readlink -f "${library%/*}")/${library##*/}"; done
# glibc loads this one only when a thread ends early
copy "$(readlink -f "$(gcc -print-file-name=libgcc_s.so.1)")"
copy /etc/ssl/certs/ca-certificates.crt
printf 'root:x:0:0::/:/none\nalpine:x:%s:%s::/:/none\n' $id $id > "$root/etc/passwd"
printf 'root:x:0:\nalpine:x:%s:\n' $id > "$root/etc/group"
# both are part of glibc itself: Debian 12 has no libraries for them
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# A library that is missing fails the build, not the start.
chroot "$root" "/usr/bin/${program##*/}" version

# The same source gives the same bytes, modes and times.
chmod -R u=rwX,go=rX "$root"
for directory in "$@"; do
    mkdir -p "$root$directory"
    chmod 1777 "$root$directory"
done
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
