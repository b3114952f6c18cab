#!/usr/bin/env bash
# Run the tests, in an environment that is made when it is missing.
#
# Usage: tests/run.sh [--all] [--venv DIR|none] [options and paths of pytest]
#
#   bash tests/run.sh                             # the fast tier
#   bash tests/run.sh --all                       # the slow tests too: minutes
#   bash tests/run.sh tests/tools -k stage        # paths are relative to the repository
#
# --venv  as in tools/setup_env.sh (default: $WESPK_VENV, else .venv of the repository)
# WESPK_TEST_SLURM  a variable: the slurm.conf that tests/slurm/up.sh prints; without it tests/slurm is skipped

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
tier=(-m "not slow")
arguments=()

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    --all) tier=() ;;
    --venv)
      [ -n "${2:-}" ] || { echo "tests/run.sh: option --venv needs a value" >&2; exit 1; }
      case $2 in none | /*) WESPK_VENV=$2 ;; *) WESPK_VENV=$PWD/$2 ;; esac
      export WESPK_VENV
      shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

bash "$root/tools/setup_env.sh" --extras recipes,dev
. "$root/path.sh"
cd "$root"
exec python3 -m pytest -q ${tier[@]+"${tier[@]}"} ${arguments[@]+"${arguments[@]}"} < /dev/null
