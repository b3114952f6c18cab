#!/usr/bin/env bash
# Stop the Slurm that tests/slurm/up.sh has started in a folder, with all its jobs. Its logs stay.
#
# Usage: tests/slurm/down.sh DIR        nothing happens when it is not running

set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 1; }
[ -d "$1" ] || exit 0
dir=$(cd "$1" && pwd -P)
export SLURM_CONF=$dir/slurm.conf

# Usage: ours <pid>: true while it is a process of this folder, not one that got its number later.
ours() {
  [ -n "$1" ] && [ -r "/proc/$1/environ" ] || return 1
  { tr '\0' '\n' < "/proc/$1/cmdline" && tr '\0' '\n' < "/proc/$1/environ"; } 2> /dev/null |
    grep -xF -e "--pid-file=$dir/munged.pid" -e "SLURM_CONF=$SLURM_CONF" > /dev/null
}

# Usage: stop <pid file>: ends that daemon, at first kindly.
stop() {
  local pid= tries
  [ ! -e "$1" ] || read -r pid < "$1" || true
  for tries in {1..50}; do
    ours "$pid" || break
    if [ "$tries" -eq 1 ]; then kill "$pid"; elif [ "$tries" -eq 50 ]; then kill -KILL "$pid"; fi 2> /dev/null || true
    sleep 0.1
  done
  rm -f "$1"
}

# The jobs first, while there is somebody to end them.
if [ -e "$dir/slurmctld.pid" ] && timeout 5 scancel --user "$(id -un)" 2> /dev/null; then
  for _ in {1..50}; do
    [ -n "$(timeout 5 squeue --noheader 2> /dev/null)" ] || break
    sleep 0.1
  done
fi
for name in slurmd.n1 slurmd.n2 slurmctld munged; do stop "$dir/$name.pid"; done
