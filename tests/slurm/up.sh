#!/usr/bin/env bash
# Start a small Slurm on this machine: a controller and two nodes on the loopback address, all in one folder.
#
# Usage: tests/slurm/up.sh DIR
#
#   export SLURM_CONF=$(tests/slurm/up.sh /tmp/slurm)     # prints DIR/slurm.conf
#   sbatch --wrap hostname
#   tests/slurm/down.sh /tmp/slurm
#
# Each node n1, n2 has 4 CPUs, 8000 MB and 2 make-believe GPUs, whatever the machine has. Any user may run it;
# jobs run as that user. Several such Slurms may run side by side.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

fail() {
  echo "up.sh: $*" >&2
  exit 1
}

[ $# -eq 1 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 1; }
mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
[ ${#dir} -le 80 ] || fail "$dir: this name is too long for the sockets in it; choose a shorter one"
[[ $dir != *[[:space:]%]* ]] || fail "$dir: slurm.conf cannot hold a space or a percent sign"
[ -e "$dir/.made_by_up.sh" ] || [ -z "$(ls -A "$dir")" ] || fail "$dir is not empty: name a folder of its own"
touch "$dir/.made_by_up.sh"
bash "$here/down.sh" "$dir" # what an earlier run may have left
rm -rf "$dir"/{spool,state,log}
mkdir -p "$dir"/{spool/n1,spool/n2,state,log}

write_configuration() {
  local ports
  mapfile -t ports < <(python3 - <<'END'
import socket

held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in held), sep="\n")
END
  )
  # Job ids begin anywhere: what derives a port from its job's id does not meet another such Slurm's job.
  cat > "$dir/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=${ports[0]}
FirstJobId=$((1 + RANDOM))
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
SlurmdSpoolDir=$dir/spool/%n
StateSaveLocation=$dir/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobcomp.txt
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
KillWait=2
SlurmdTimeout=60
DefMemPerCPU=100
NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=4 RealMemory=8000 Gres=gpu:2
NodeName=n2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=${ports[2]} CPUs=4 RealMemory=8000 Gres=gpu:2
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
  echo "CgroupPlugin=cgroup/v1" > "$dir/cgroup.conf"
  ln -sf /dev/null "$dir/gpu0" # Slurm only wants to see devices
  ln -sf /dev/null "$dir/gpu1"
  echo "Name=gpu File=$dir/gpu[0-1]" > "$dir/gres.conf"
  (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
}

# Usage: start <log> <command> ...; ends the script with the log's tail when the command fails.
start() {
  local log=$1
  shift
  "$@" >> "$dir/log/start.log" 2>&1 || give_up "$log" "${1##*/} has not started"
}

give_up() {
  tail -n 5 "$dir/log/start.log" "$1" >&2 || true
  bash "$here/down.sh" "$dir"
  fail "$2; its log is $1"
}

idle_nodes() {
  sinfo --noheader --Node --format '%T' 2> /dev/null | grep -c '^idle$' || true
}

write_configuration
export SLURM_CONF=$dir/slurm.conf
start "$dir/log/munged.log" munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" \
  --pid-file="$dir/munged.pid" --seed-file="$dir/munged.seed" --log-file="$dir/log/munged.log" --num-threads=2
start "$dir/log/slurmctld.log" slurmctld -c -f "$SLURM_CONF"
for node in n1 n2; do
  start "$dir/log/slurmd.$node.log" slurmd -N "$node" -f "$SLURM_CONF"
done
deadline=$((SECONDS + 30))
until [ "$(idle_nodes)" -eq 2 ]; do
  [ "$SECONDS" -lt "$deadline" ] || give_up "$dir/log/slurmctld.log" "the two nodes are not idle after 30 s"
  sleep 0.1
done
echo "$SLURM_CONF"
