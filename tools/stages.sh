# shellcheck shell=bash
# Sourced by a recipe's run.sh, after its options are parsed: which stages run, and why.
#
#   . "$WESPK_ROOT/tools/stages.sh"
#   if begin_stage 2 "features" --out data/train/feats.scp --in conf/fbank.conf data/train/wav.scp \
#       --set "nj=$nj"; then
#     wespk compute-fbank ...
#     end_stage
#   fi
#
# bash run.sh              runs the stages that are out of date, printing why: never run, an output missing,
#                          the content of an input or a setting changed
# bash run.sh --stage 2 --stop_stage 5     runs stages 2 to 5, whatever their state
#
# --in   files the stage reads; a folder stands for the files directly in it, hidden ones excepted
# --out  files or folders that must exist at its end; the record of a finished run lies beside the first
# --set  what else its result depends on, as text
# --log  where to look when it fails; optional
#
# A command that fails ends the script (set -e) with a line that names the stage, and leaves no record.

_stages_tool=${BASH_SOURCE[0]%/*}/stage_stamp.py
_stage_open=      # "3 (train)" while a stage is running
_stage_log=
_stage_facts=
_stage_started=

# Usage: begin_stage <number> <title> --out <path> ... [--in <path> ...] [--set <text>] [--log <path>]
# True when the stage is to run. As it stands in an `if`, set -e is off in here: errors exit by themselves.
begin_stage() {
  local number=$1 title=$2 first=${stage:-} last=${stop_stage:-8} forced=false answer verdict reason
  local -a lists=()
  shift 2
  [ -z "$_stage_open" ] || _stage_error "stage $_stage_open has no end_stage"
  [[ $first =~ ^[0-9]*$ ]] || _stage_error "--stage $first: a number is needed"
  [[ $last =~ ^[0-9]+$ ]] || _stage_error "--stop_stage $last: a number is needed"
  [ -z "$first" ] || [ "$first" -le "$last" ] ||
    _stage_error "--stage $first is after --stop_stage $last: nothing would run"
  [ "$number" -le "$last" ] || return 1
  if [ -n "$first" ]; then
    [ "$number" -ge "$first" ] || return 1
    forced=true
  fi

  _stage_log=
  while [ $# -gt 0 ]; do
    if [ "$1" = --log ]; then _stage_log=$2; shift 2; else lists+=("$1"); shift; fi
  done
  # Isolated and without site-packages: this runs before every stage and must not be felt.
  answer=$(python3 -I -S "$_stages_tool" begin "$number" "$title" "$forced" "${lists[@]}") || exit 1
  { read -r verdict; read -r reason; read -r _stage_facts; } <<< "$answer"
  if [ "$verdict" = skip ]; then
    echo "stage $number: $title: up to date"
    return 1
  fi
  echo "== stage $number: $title ($reason)"
  _stage_open="$number ($title)"
  _stage_started=$SECONDS
}

# Record that the stage that is open has been done; an error when one of its outputs is missing.
end_stage() {
  [ -n "$_stage_open" ] || _stage_error "end_stage without begin_stage"
  python3 -I -S "$_stages_tool" end <<< "$_stage_facts" || exit 1
  local seconds=$((SECONDS - _stage_started))
  printf 'stage %s: done in %d:%02d:%02d\n' "$_stage_open" \
    $((seconds / 3600)) $((seconds / 60 % 60)) $((seconds % 60))
  _stage_open=
}

_stage_error() {
  echo "$0: $*" >&2
  _stage_open=
  exit 1
}

_stage_at_exit() {
  local status=$?
  [ -n "$_stage_open" ] || exit "$status"
  if [ "$status" -eq 0 ]; then
    echo "$0: stage $_stage_open was left without end_stage" >&2
    exit 1
  fi
  echo "$0: stage $_stage_open failed${_stage_log:+; see $_stage_log}" >&2
  exit "$status"
}
trap _stage_at_exit EXIT
