#!/bin/sh
# install.sh FOLDER - build Seam in FOLDER/build and install it in FOLDER/prefix. Says nothing but
# what went wrong. Used by the samples of both build systems.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
{
    meson setup --prefix="$1/prefix" --libdir=lib "$1/build" "$root"
    ninja -C "$1/build" install
} >"$1/log" 2>&1 || { tail -n 30 "$1/log"; exit 1; }
