#!/usr/bin/env bash
# Run egs/aishell and egs/timit on imitations of their corpora and print the tables: what the recipes do, seen
# as a user sees it. The error rates are those of small networks on few voices.
#
# Usage: tests/recipes/show_imitations.sh MINI-VOICES REAL-DATA OUT
#
#   tests/recipes/show_imitations.sh egs/mini/corpus/wav "$WESPK_REAL_DATA" /tmp/imitations
#
# MINI-VOICES is what egs/mini has generated, REAL-DATA holds aishell_sample and timit_sample. AISHELL's sample
# has two voices, who are lent to all three sets: its error rates mean nothing at all.

set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
voices=$1 real=$2
mkdir -p "$3"
out=$(cd "$3" && pwd -P)
. "$root/path.sh"

# Usage: show <name> <corpus> "<options of imitate.py>" <source> <options of the recipe> ...
show() {
  local name=$1 recipe=$2 options=$3 source=$4
  shift 4
  # shellcheck disable=SC2086 # several options
  [ -d "$out/$name/corpus" ] || python3 "$root/tests/recipes/imitate.py" "$recipe" $options "$source" "$out/$name/corpus"
  bash "$root/egs/$recipe/run.sh" --corpus "$out/$name/corpus" --allow_partial true --nj 2 \
    --data "$out/$name/data" --exp "$out/$name/exp" "$@" > "$out/$name/log"
  echo "== $name"
  cat "$out/$name/exp/report/table.txt"
}

small="--set epochs=20 --set batch_size=32 --set model.channels=128 --set data.num_workers=1 --set optim.warmup_steps=50"
tiny="--set epochs=40 --set batch_size=16 --set model.embedding_dim=32 --set data.num_workers=1 --set optim.warmup_steps=20"
# shellcheck disable=SC2086 # several options
{
  show aishell-generated aishell "--speakers 64,12,20 --utts 12" "$voices" --lda_dim 50 --top_k 30 $small
  show timit-generated timit "--speakers 64,12,24" "$voices" --lda_dim 50 --top_k 30 $small
  show aishell-real aishell "--speakers 2,2,2 --utts 26" "$real/aishell_sample" --lda_dim none --top_k 2 $tiny \
    --set model.channels=64
  show timit-real timit "--speakers 8,4,4 --shape doubled" "$real/timit_sample" --lda_dim 7 --top_k 8 $tiny
}
