#!/bin/sh
# Becomes the command; the server runs as an account of its own, without root's rights.
set -eu
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
    find . \! -user valkey -exec chown valkey {} +
    exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$0" "$@"
fi
umask 077
exec "$@"
