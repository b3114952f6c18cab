# shellcheck shell=bash
# How this recipe runs its jobs. Stages call `$train_cmd [--gpu 1 ...] [JOB=1:N] log command ...`.
# This one line is all that changes for a cluster: local.py takes the same call on this machine.

export train_cmd=local.py
# export train_cmd=slurm.py   # Slurm, as conf/slurm.conf says (else tools/slurm.conf, which explains itself)
