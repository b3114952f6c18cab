# shellcheck shell=bash
# Sourced by a recipe's run.sh: the steps that every recipe takes over several sets or trial lists, each a
# short loop of `wespk` commands. A recipe that wants another step writes its own loop instead.
#
#   . "$WESPK_ROOT/tools/steps.sh"
#   make_features 4 fbank conf/fbank.conf data/train data/dev
#
# A trial list is named SET or SET_SUFFIX: `test` is data/test/trials with data/test/enrol, `test_3` is
# data/test/trials_3 with data/test/enrol_3.

# Usage: make_features <num-jobs> <kind> <options-file> <data-dir> ...
# Features of each data directory, of the kind of `wespk compute-KIND`: feats.scp, feats.json, utt2num_frames,
# rejected.txt.
make_features() {
  local jobs=$1 kind=$2 options=$3 dir
  shift 3
  for dir in "$@"; do
    $train_cmd JOB=1:"$jobs" "$dir/log/$kind.JOB.log" \
      wespk compute-"${kind//_/-}" --config "$options" --job JOB/"$jobs" "$dir"
    wespk merge-jobs "$dir" feats
  done
}

# Usage: augment_set <num-jobs> "<kind> ..." <musan> <rirs> <data-dir> <out-dir>
# <out-dir> holds <data-dir> and an augmented copy of each kind, made in <data-dir>_KIND. <musan> is needed for
# noise, music and babble; without <rirs> reverberation is that of simulated rooms.
augment_set() {
  local jobs=$1 kinds=$2 musan=$3 rirs=$4 dir=$5 out=$6 kind
  local -a copies=() command
  for kind in $kinds; do
    command=(wespk augment-data --kind "$kind")
    case $kind in
      noise | music | babble) command+=(--musan "$musan") ;;
      reverb) if [ -n "$rirs" ]; then command+=(--rirs "$rirs"); else command+=(--simulate-rooms small,medium); fi ;;
    esac
    $train_cmd JOB=1:"$jobs" "${dir}_$kind/log/augment.JOB.log" "${command[@]}" --job JOB/"$jobs" "$dir" "${dir}_$kind"
    "${command[@]}" --nj "$jobs" "$dir" "${dir}_$kind" # joins what the jobs made
    copies+=("${dir}_$kind")
  done
  wespk combine-data --overwrite "$out" "$dir" "${copies[@]}"
}

# Usage: train_network <processes-per-machine> <config> <settings> <data-dir> <exp-dir>
# Trains, or continues; <settings> are words such as optim.lr=0.001, possibly none. On a cluster, as many
# machines train together as the recipe's variable `nnodes` says.
train_network() {
  local processes=$1 config=$2 settings=$3 dir=$4 exp=$5 setting log=$5/log/train.log follower=
  local -a overrides=() machines=()
  [ "${nnodes:-1}" -eq 1 ] || machines=(--nodes "$nnodes")
  for setting in $settings; do overrides+=(--set "$setting"); done
  echo "progress is in $log"
  if [ -t 1 ]; then # and on the terminal
    mkdir -p "$exp/log"
    tail --pid=$$ -n 0 -F "$log" 2> /dev/null &
    follower=$!
  fi
  $train_cmd --gpu "$processes" "${machines[@]}" "$log" distributed.sh "$processes" \
    -m wespk train --config "$config" "${overrides[@]}" "$dir" "$exp"
  [ -z "$follower" ] || kill "$follower" || true
  grep '^epoch' "$log" | tail -n 1 || true # a run that was complete has trained no step
}

# Usage: extract_embeddings <num-jobs> <options> <data> <exp-dir> <set> ...
# Embeddings of data/SET in EXP/embeddings/SET/xvector.scp by the model EXP/final; <options> are words such as
# --bf16, possibly none.
extract_embeddings() {
  local jobs=$1 data=$3 exp=$4 name
  local -a options
  read -r -a options <<< "$2"
  shift 4
  for name in "$@"; do
    $train_cmd JOB=1:"$jobs" "$exp/log/extract.$name.JOB.log" \
      wespk extract "${options[@]}" --job JOB/"$jobs" "$exp/final" "$data/$name" "$exp/embeddings/$name"
    wespk merge-jobs "$exp/embeddings/$name" xvector
  done
}

# Usage: for_each_list <data> <exp-dir> "<list> ..." <system> <command> ...
# Runs `<command> ... --enrol ENROL XVECTOR.SCP TRIALS SCORES` for each trial list; the scores go to
# EXP/scores/LIST.SYSTEM.score.
for_each_list() {
  local data=$1 exp=$2 lists=$3 system=$4 list name suffix
  shift 4
  for list in $lists; do
    name=${list%%_*} suffix=${list#"${list%%_*}"}
    "$@" --enrol "$data/$name/enrol$suffix" "$exp/embeddings/$name/xvector.scp" \
      "$data/$name/trials$suffix" "$exp/scores/$list.$system.score"
  done
}

# Usage: calibrate_lists <data> <exp-dir> "<list> ..." "<system> ..." NAME=SYSTEM,...
# Learns calibration and thresholds of each system and of the fusion NAME on the list `dev`, and applies them to
# every list.
calibrate_lists() {
  local data=$1 exp=$2 lists=$3 systems=$4 fusion=$5 list name
  local -a files
  score_files "$exp" dev score "$systems"
  wespk calibrate --fuse "$fusion" "$exp/final/calibration.json" "$data/dev/trials" "${files[@]}"
  for list in $lists; do
    name=${list%%_*}
    score_files "$exp" "$list" score "$systems"
    wespk calibrate --apply "$exp/final/calibration.json" "$data/$name/trials${list#"$name"}" "${files[@]}"
  done
}

# Usage: evaluate_lists <data> <exp-dir> "<list> ..." "<system> ..."
# Figures of the calibrated scores in EXP/results/LIST.json, also by gender, language, device and number of frames,
# as far as the data directory has their tables.
evaluate_lists() {
  local data=$1 exp=$2 lists=$3 systems=$4 list name column
  local -a files by
  for list in $lists; do
    name=${list%%_*} by=()
    for column in gender=spk2gender language=utt2language device=utt2device frames=utt2num_frames; do
      [ ! -f "$data/$name/${column#*=}" ] || by+=(--by "${column%%=*}=$data/$name/${column#*=}")
    done
    score_files "$exp" "$list" llr "$systems"
    wespk evaluate --calibration "$exp/final/calibration.json" "${by[@]}" \
      --results "$exp/results/$list.json" "$data/$name/trials${list#"$name"}" "${files[@]}" > /dev/null
  done
}

# Usage: identify_lists <data> <exp-dir> "<list> ..." "<system> ..."
# Accuracies of closed-set identification in EXP/identification/LIST.json.
identify_lists() {
  local data=$1 exp=$2 lists=$3 systems=$4 list name
  local -a files
  for list in $lists; do
    name=${list%%_*}
    score_files "$exp" "$list" score "$systems"
    wespk identify --results "$exp/identification/$list.json" "$data/$name/trials${list#"$name"}" \
      "${files[@]}" > /dev/null
  done
}

# Usage: score_files <exp-dir> "<list> ..." score|llr "<system> ..."
# Sets the caller's array `files` to the systems' score files on the lists.
score_files() {
  local list system
  files=()
  for list in $2; do
    for system in $4; do files+=("$1/scores/$list.$system.$3"); done
  done
}
