#!/usr/bin/env bash
# What the trained network must beat: the same network untrained, and plain statistics of the pitch.
#
# Usage: bash local/baselines.sh        (in egs/mini, after bash run.sh)
set -euo pipefail
cd "$(dirname "$0")/.."
. ./path.sh

bash run.sh --stage 3 --stop_stage 6 --set epochs=0 --average 1 --exp exp/untrained
mkdir -p exp/f0
python3 local/f0_baseline.py data/test data/test/trials exp/f0/pitch.score
wespk evaluate data/test/trials exp/f0/pitch.score
for exp in exp/untrained exp/ecapa; do
  echo "$exp"
  wespk evaluate data/test/trials "$exp"/scores/test.{cosine_mean,plda}.score
done
