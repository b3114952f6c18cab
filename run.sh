#!/usr/bin/env bash
# From a fresh checkout to a table of results: make the Python environment, then run a recipe end to end.
#
# Usage: run.sh [--recipe NAME] [--venv DIR|none] [options of the recipe]
#
#   bash run.sh                                      # mini: a small synthetic corpus, minutes on a CPU
#   bash run.sh --recipe an4 --corpus data/an4 --stage 3 --stop_stage 5
#   bash run.sh --recipe an4 --help                  # the recipe's own options
#
# --recipe NAME    a folder of egs/ (default: mini)
# --venv DIR       where the environment is made or found (default: $WESPK_VENV, else .venv here); none: use
#                  the active one. A later run finds a complete environment in an instant
# --corpus DIR     for the recipe; taken relative to where you are. Other files, such as --config conf/x.yaml,
#                  are taken relative to the recipe's folder
# All else goes to the recipe as it is.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
recipe=mini
recipe_named=false
venv=${WESPK_VENV:-}
help=false
forwarded=()

fail() {
  echo "run.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) help=true; shift; continue ;;
    --recipe=* | --venv=* | --corpus=*) fail "$1: write options as --name value, without =" ;;
    --recipe | --venv | --corpus) [ -n "${2:-}" ] || fail "option $1 needs a value" ;;
    *) forwarded+=("$1"); shift; continue ;;
  esac
  case $1 in
    --recipe) recipe=$2 recipe_named=true ;;
    --venv) venv=$2 ;;
    --corpus) case $2 in /*) forwarded+=("$1" "$2") ;; *) forwarded+=("$1" "$PWD/$2") ;; esac ;;
  esac
  shift 2
done

recipes() { # those that exist, the nearest to the one asked for first
  local script
  for script in "$root"/egs/*/run.sh; do
    [ ! -e "$script" ] || basename "$(dirname "$script")"
  done | word=$recipe awk -f "$root/tools/nearest.awk"
}

if [ "$help" = true ] && [ "$recipe_named" = false ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  echo "Recipes: $(recipes | sort | paste -s -d ' ')"
  exit 0
fi
[[ $recipe =~ ^[[:alnum:]_][[:alnum:]_.-]*$ && -f $root/egs/$recipe/run.sh ]] ||
  fail "there is no recipe '$recipe' in egs/; there are: $(recipes | paste -s -d ' ')"
[ "$help" = false ] || exec bash "$root/egs/$recipe/run.sh" --help

case $venv in "" | none | /*) ;; *) venv=$PWD/$venv ;; esac
[ -z "$venv" ] || export WESPK_VENV=$venv # the recipe's path.sh looks there too
bash "$root/tools/setup_env.sh" --extras recipes
exec bash "$root/egs/$recipe/run.sh" ${forwarded[@]+"${forwarded[@]}"}
