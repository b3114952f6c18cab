# shellcheck shell=bash
# How this recipe runs its jobs. Stages call `$train_cmd [--mem 4G ...] [JOB=1:N] log command ...`.
# A cluster: set train_cmd to its launcher, which takes the same call. This one line is the only change:
#   export train_cmd="slurm.py --partition gpu"    # slurm.py: to come

export train_cmd=local.py
