#!/usr/bin/env bash
# Start processes that train together: on this machine, or on all machines of the Slurm job that runs this.
#
# Usage: distributed.sh <processes-per-machine> <arguments of python>
#
#   distributed.sh 2 -m wespk train --config conf/ecapa.yaml data/train exp/ecapa
#   slurm.py --nodes 2 --gpu 4 train.log distributed.sh 4 -m wespk train ...
#
# One process is plain python3; several are torchrun's. When one of them fails, all end, and the status is not 0.

set -euo pipefail

fail() {
  echo "distributed.sh: $*" >&2
  exit 1
}

case ${1:-} in
  "" | --help | -h) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; [ -n "${1:-}" ]; exit ;;
esac
[[ $1 =~ ^[1-9][0-9]*$ ]] || fail "$1: a number of processes is needed"
[ $# -gt 1 ] || fail "what shall python run? See distributed.sh --help"
processes=$1
shift

nodes=${SLURM_JOB_NUM_NODES:-1}
if [ "$nodes" -eq 1 ]; then
  [ "$processes" -gt 1 ] || exec python3 "$@"
  exec torchrun --standalone --nproc_per_node "$processes" "$@"
fi

# One torchrun on each machine; they meet at the first. Its address is the one Slurm itself uses, and the port
# follows from the job's id, so that jobs on one machine do not meet each other.
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)
address=$(scontrol --oneliner show node "$first" | sed -n 's/.* NodeAddr=\([^ ]*\).*/\1/p')
meet=${address:-$first}:$((20000 + SLURM_JOB_ID % 10000))
srun=(srun --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 --kill-on-bad-exit=1)
# Since Slurm 22.05 srun does not take this over from the job: torchrun and all its processes had one core.
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || srun+=(--cpus-per-task="$SLURM_CPUS_PER_TASK")
exec "${srun[@]}" torchrun --nnodes "$nodes" --nproc_per_node "$processes" \
  --rdzv_backend c10d --rdzv_endpoint "$meet" --rdzv_id "$SLURM_JOB_ID" "$@"
