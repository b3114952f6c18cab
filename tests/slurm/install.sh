#!/usr/bin/env bash
# Install Slurm and munge, for the tests that need a real one. Nothing happens when they are there already.
#
# Usage: tests/slurm/install.sh
#
# Debian and Ubuntu only, as root or with sudo. No service is started: tests/slurm/up.sh does that in a folder.

set -euo pipefail

missing() {
  local program
  for program in munged slurmctld slurmd sbatch srun scontrol; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" > /dev/null || { echo "$program"; return; }
  done
}

[ -n "$(missing)" ] || exit 0
if ! command -v apt-get > /dev/null; then
  echo "install.sh: no apt-get here: install Slurm (slurmctld, slurmd, its commands) and munge by hand" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || { echo "install.sh: run this as root: there is no sudo" >&2; exit 1; }
  as_root=(sudo -n)
fi

# An installed package must not start its service: this machine may be anybody's.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 bash -c '
  packages=(slurmctld slurmd slurm-client munge)
  apt-get install -y -q --no-install-recommends "${packages[@]}" ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "${packages[@]}"; }
' > /dev/null
if [ -n "$(missing)" ]; then
  echo "install.sh: the packages are installed, but $(missing) is not to be found" >&2
  exit 1
fi
