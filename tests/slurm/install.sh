#!/usr/bin/env bash
# Install Slurm and munge, for the tests that need a real one. Nothing happens when they are there already.
#
# Usage: tests/slurm/install.sh
#
# Debian and Ubuntu only, as root or with sudo. tests/slurm/up.sh then starts the daemons in a folder of yours.

exec bash "$(dirname "${BASH_SOURCE[0]}")/../install.sh" \
  "munged slurmctld slurmd sbatch srun scontrol" "slurmctld slurmd slurm-client munge"
