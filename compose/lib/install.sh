#!/bin/sh
# install.sh [--list] [--update] PACKAGE... - install the Debian packages that are missing.
#
# "a|b" is satisfied by any of them and installs the first. "postgresql-server" is satisfied by any
# /usr/lib/postgresql/*/bin/initdb. Runs apt only when something is missing, as root or through
# sudo. @cluster and @tests stand for what a cluster and what the tests need. --list prints what is
# missing and installs nothing; --update refreshes apt's lists, whatever is missing. No database
# cluster is made or started by installing PostgreSQL.
set -eu

cluster="gcc libc6-dev cmake ninja-build pkg-config|pkgconf curl libzmq3-dev libczmq-dev
    libmsgpack-dev|libmsgpack-c-dev libcivetweb-dev libpq-dev libsodium-dev libjansson-dev libzstd-dev zlib1g-dev
    libcurl4-openssl-dev|libcurl4-gnutls-dev postgresql-server"
tests="git libcmocka-dev clang-format python3-pytest python3-requests python3-psycopg2 python3-zmq
    python3-msgpack python3-zstandard"

list=false
update=false
missing=
wanted=
for word in "$@"; do
    case $word in
    --list) list=true ;;
    --update) update=true ;;
    @cluster) wanted="$wanted $cluster" ;;
    @tests) wanted="$wanted $tests" ;;
    *) wanted="$wanted $word" ;;
    esac
done
# shellcheck disable=SC2046
installed=$(dpkg-query -W -f '${Package}:${db:Status-Status}\n' $(printf '%s' "$wanted" | tr '|' ' ') \
    2>/dev/null | sed -n 's/:installed$//p' | tr '\n' ' ')
for want in $wanted; do
    case $want in
    postgresql-server)
        for initdb in /usr/lib/postgresql/*/bin/initdb; do
            [ ! -x "$initdb" ] || continue 2
        done
        missing="$missing postgresql"
        continue
        ;;
    esac
    names=$(printf '%s' "$want" | tr '|' ' ')
    for name in $names; do
        case " $installed " in
        *" $name "*) continue 2 ;;
        esac
    done
    missing="$missing ${names%% *}"
done

if $list; then
    printf '%s\n' "${missing# }"
    exit 0
fi
[ -n "$missing" ] || $update || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "missing packages:$missing; install them, or run this as root or with sudo at hand" >&2
        exit 1
    fi
    as_root=sudo
fi

# Debian makes and starts a cluster "main" when the server package is installed. It is told not to
# by a file that is there only while apt runs.
hush=/etc/postgresql-common/createcluster.d/millrace-install.conf
hush_folder_made=false
unhush() {
    if [ -n "${hushed:-}" ]; then
        $as_root rm -f "$hush"
        ! $hush_folder_made || $as_root rmdir "${hush%/*}" 2>/dev/null || true
    fi
}
trap unhush EXIT
trap 'exit 130' INT TERM HUP

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -q -y "$@" </dev/null
}

apt update
[ -n "$missing" ] || exit 0
case " $missing " in
*" postgresql "*)
    apt install --no-install-recommends postgresql-common
    [ -d "${hush%/*}" ] || hush_folder_made=true
    $as_root mkdir -p "${hush%/*}"
    hushed=yes
    echo 'create_main_cluster = false' | $as_root tee "$hush" >/dev/null
    ;;
esac
# shellcheck disable=SC2086
apt install --no-install-recommends $missing
