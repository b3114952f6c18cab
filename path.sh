# shellcheck shell=bash
# Sourced by every recipe through its own path.sh: where wespk and its environment are. Nothing else.
#
#   . ./path.sh        then: wespk --help
#
# WESPK_VENV chooses the environment: a folder, or `none` for the one that is active already. The default
# is .venv beside this file when tools/setup_env.sh has made it, else whatever is active.

WESPK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export WESPK_ROOT

case :$PATH: in *:"$WESPK_ROOT/tools":*) ;; *) PATH=$WESPK_ROOT/tools:$PATH ;; esac
_wespk_bin=${WESPK_VENV:-$WESPK_ROOT/.venv}/bin
if [ "${WESPK_VENV:-}" != none ] && [ -d "$_wespk_bin" ]; then
  case $PATH: in "$_wespk_bin":*) ;; *) PATH=$_wespk_bin:$PATH ;; esac
fi
unset _wespk_bin
export PATH

case :${PYTHONPATH:-}: in
  *:"$WESPK_ROOT":*) ;;
  *) PYTHONPATH=$WESPK_ROOT${PYTHONPATH:+:$PYTHONPATH} ;;
esac
export PYTHONPATH

# Kaldi's files are sorted by bytes, so sort, join and comm must compare bytes. Python would take LC_ALL=C
# for ASCII; PYTHONUTF8 keeps its text UTF-8.
export LC_ALL=C PYTHONUTF8=1

# All cores for a single job; tools/local.py divides them among jobs that run side by side.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
