#!/usr/bin/env bash
# Install Slurm and munge, for the tests that need a real one. Nothing happens when they are there already.
#
# Usage: tests/slurm/install.sh
#
# Debian and Ubuntu only, as root or with sudo. tests/slurm/up.sh then starts the daemons in a folder of yours.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

missing() {
  local program
  for program in munged slurmctld slurmd sbatch srun scontrol; do
    command -v "$program" > /dev/null || { echo "$program"; return; }
  done
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

[ -n "$(missing)" ] || exit 0
command -v apt-get > /dev/null || fail "no apt-get: install Slurm (slurmctld, slurmd, commands) and munge by hand"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || fail "run this as root: there is no sudo"
  as_root=(sudo -n)
fi

install=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
  --no-install-recommends slurmctld slurmd slurm-client munge)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${install[@]}" > "$log" 2>&1; then # the package lists may be old
  ${as_root[@]+"${as_root[@]}"} apt-get update -qq > "$log" 2>&1 && "${install[@]}" >> "$log" 2>&1 ||
    { tail -n 15 "$log" >&2; fail "apt-get has failed"; }
fi
[ -z "$(missing)" ] || fail "the packages are installed, but there is no $(missing)"
