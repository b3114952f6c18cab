#!/usr/bin/env bash
# Install system packages that some tests need. Nothing happens when the programs are there already.
#
# Usage: tests/install.sh "<program> ..." "<package> ..."
#
# Debian and Ubuntu only, as root or with sudo.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

programs=$1 packages=$2

missing() {
  local program
  for program in $programs; do
    command -v "$program" > /dev/null || { echo "$program"; return; }
  done
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

[ -n "$(missing)" ] || exit 0
command -v apt-get > /dev/null || fail "no apt-get: install $programs by hand"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || fail "run this as root: there is no sudo"
  as_root=(sudo -n)
fi

# shellcheck disable=SC2206 # words
install=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
  --no-install-recommends $packages)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${install[@]}" > "$log" 2>&1; then # the package lists may be old
  ${as_root[@]+"${as_root[@]}"} apt-get update -qq > "$log" 2>&1 && "${install[@]}" >> "$log" 2>&1 ||
    { tail -n 15 "$log" >&2; fail "apt-get has failed"; }
fi
[ -z "$(missing)" ] || fail "the packages are installed, but there is no $(missing)"
