#!/usr/bin/env bash
# Make the Python environment of wespk, or complete it; nothing to do costs a fraction of a second.
#
# Usage: setup_env.sh [--venv DIR|none] [--extras recipes[,dev]]
#
#   tools/setup_env.sh                                  # into .venv of this repository
#   tools/setup_env.sh --venv ~/envs/wespk --extras recipes,dev
#   tools/setup_env.sh --venv none                      # into the environment that is active
#
# --venv    a folder for an environment with the versions of tools/constraints.txt (default: $WESPK_VENV,
#           else .venv); or none: the active one gets what it lacks by setup.py's ranges, and its torch stays
# --extras  groups of setup.py's extras_require (default: recipes)
# PYTHON    a variable: the Python to make the environment with (default: a Python 3.10 to 3.14 on PATH)
#
# Needs Debian, Ubuntu or a like system, a Python, and a reachable package index; no root. An interrupted run
# is continued by the next one; runs at the same time wait for each other.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=${WESPK_VENV:-$root/.venv}
extras=recipes

main() {
  parse "$@"
  exec < /dev/null
  cd "$root" # a json.py or the like where the user is would hide Python's own
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  if [ "$venv" = none ]; then
    complete_active_environment
    return
  fi
  unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX # they would lead pip out of the environment
  is_complete && return
  claim
  lock
  is_complete && return # made so by the run that this one has waited for
  ensure_venv
  install_pinned
  echo "setup_env.sh: $venv is ready (wespk[$extras])"
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
      --venv | --extras) [ -n "${2:-}" ] || fail "option $1 needs a value" ;;
      *) fail "unknown option $1; there are --venv and --extras. See tools/setup_env.sh --help" ;;
    esac
    printf -v "${1#--}" '%s' "$2"
    shift 2
  done
  case $venv in none | /*) ;; *) venv=$PWD/$venv ;; esac
  [[ $extras =~ ^[a-z]+(,[a-z]+)*$ ]] || fail "--extras $extras: write names of extras with commas between"
}

# --- an environment of its own ---

is_complete() {
  [ -x "$venv/bin/python" ] && stamp check && echo "setup_env.sh: $venv is up to date (wespk[$extras])"
}

# Usage: stamp check|extras|write: the stamp holds what the environment was made from. An environment with
# more extras than those wanted serves too, so that the recipes and the tests can share one; `stamp extras`
# prints those wanted and those there.
stamp() {
  "$venv/bin/python" -I - "$1" "$venv/.wespk.stamp.json" "$root" "$extras" <<'END'
import hashlib, json, os, sys

verb, stamp, root, extras = sys.argv[1:]
total = hashlib.sha256(b"%d.%d" % sys.version_info[:2])
for name in ("setup.py", "tools/constraints.txt"):
    with open(os.path.join(root, name), "rb") as stream:
        total.update(stream.read())
try:
    with open(stamp) as stream:
        old = json.load(stream)
except (OSError, ValueError):
    old = {"extras": []}
now = {"made_from": total.hexdigest(), "root": root, "extras": sorted(set(extras.split(",")))}
if verb == "extras":
    print(",".join(sorted({*now["extras"], *old["extras"]})))
elif verb == "write":
    with open(stamp + ".tmp", "w") as stream:
        json.dump(now, stream)
    os.replace(stamp + ".tmp", stamp)
else:
    try:
        import wespk
    except ImportError:
        sys.exit(1)
    same = all(old.get(key) == now[key] for key in ("made_from", "root"))
    here = os.path.realpath(os.path.dirname(wespk.__file__)) == os.path.join(root, "wespk")
    sys.exit(0 if same and here and set(now["extras"]) <= set(old["extras"]) else 1)
END
}

# Take a new or empty folder, or one that is an environment or was to become one; leave any other alone.
claim() {
  if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && ! may_make; then
    fail "--venv $venv is there already and is no environment; name a new or empty folder"
  fi
  mkdir -p "$venv" || fail "--venv $venv: cannot make this folder"
}

# True for a folder that is empty or that this script has begun to make, and may make again.
may_make() {
  [ -e "$venv/.wespk.made" ] || { [ -d "$venv" ] && [ -z "$(others_in_folder)" ]; }
}

others_in_folder() {
  find "$venv" -mindepth 1 -maxdepth 1 ! -name '.wespk.*'
}

# One run at a time. The lock is inherited by pip, so a pip that survives a killed run is waited for as well.
lock() {
  exec 9>> "$venv/.wespk.lock"
  command -v flock > /dev/null || return 0
  flock -n 9 && return
  echo "setup_env.sh: waiting for another run on $venv"
  flock 9 || true # a file system without locks
}

ensure_venv() {
  local python
  if "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' > /dev/null 2>&1 &&
    "$venv/bin/python" -m pip --version > /dev/null 2>&1; then
    return
  fi
  may_make || fail "$venv has no working Python 3.10+ with pip, and was not made by this script; name another"
  python=$(choose_python)
  echo "setup_env.sh: making $venv with $("$python" --version)"
  touch "$venv/.wespk.made"
  find "$venv" -mindepth 1 -maxdepth 1 ! -name '.wespk.*' -exec rm -rf {} + # what is broken or half made
  make_venv "$python" "$venv" || fail "could not make $venv with $python"
}

choose_python() {
  local candidate test='import sys; sys.exit(not (3, 10) <= sys.version_info[:2]'
  if [ -n "${PYTHON:-}" ]; then
    "$PYTHON" -c "$test)" > /dev/null 2>&1 || fail "$PYTHON is not a Python of 3.10 or later"
    echo "$PYTHON"
    return
  fi
  for candidate in python3 python3.{11,12,13,10,14} python; do # newer ones: torch has no builds for them
    if "$candidate" -c "$test <= (3, 14))" > /dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  fail "no Python 3.10 to 3.14 on PATH: install one (Debian: python3 and python3-venv), or set PYTHON=..."
}

# Debian's python3 lacks ensurepip unless python3-venv is installed, which takes root; others can stand in.
make_venv() {
  local python=$1 dir=$2
  if "$python" -c 'import venv, ensurepip' > /dev/null 2>&1; then
    "$python" -m venv "$dir"
  elif "$python" -c 'import virtualenv' > /dev/null 2>&1; then
    "$python" -m virtualenv --quiet "$dir"
  elif command -v virtualenv > /dev/null; then
    virtualenv --quiet --python "$python" "$dir"
  elif command -v uv > /dev/null; then
    uv venv --quiet --seed --allow-existing --python "$python" "$dir"
  elif "$python" -c 'import venv, pip' > /dev/null 2>&1; then
    "$python" -m venv --without-pip "$dir" && "$python" -m pip --python "$dir/bin/python" install --quiet pip
  else
    fail "this Python cannot make environments: install python3-venv (Debian, as root), or uv or virtualenv"
  fi
}

install_pinned() {
  local pip=("$venv/bin/python" -m pip install -c tools/constraints.txt)
  [ -t 1 ] || pip+=(-qq) # on a terminal pip shows what it downloads: torch takes a while
  extras=$(stamp extras)
  rm -f "$venv/.wespk.stamp.json"
  echo "setup_env.sh: installing wespk[$extras] and the versions of tools/constraints.txt into $venv"
  # The pinned setuptools builds wespk, instead of pip's throw-away copy of the newest one.
  if ! "${pip[@]}" setuptools || ! "${pip[@]}" --no-build-isolation --editable ".[$extras]"; then
    fail "pip has failed, see above; run this again to continue"
  fi
  "$venv/bin/python" -I -c 'import wespk' || fail "wespk is installed and cannot be imported"
  stamp write
}

# --- the user's own environment ---

complete_active_environment() {
  local python state held=()
  python=$(PYTHON=${PYTHON:-python3} choose_python)
  "$python" -c 'import pip' > /dev/null 2>&1 || fail "--venv none: $python has no pip"
  state=$(lacking "$python")
  if [ -z "$state" ]; then
    echo "setup_env.sh: the active environment is up to date (wespk[$extras], $python)"
    return
  fi
  echo "setup_env.sh: completing the active environment ($python); it lacks: $state"
  # Those two stay as they are, and a missing torchaudio is chosen to fit the torch that is there.
  mapfile -t held < <(torch_as_it_is "$python")
  [ -t 1 ] || held+=(-qq)
  "$python" -m pip install --editable ".[$extras]" "${held[@]}" ||
    fail "pip could not complete this environment, its torch left as it is; use --venv DIR for one of its own"
}

# Print what the environment lacks of wespk[extras], by setup.py's ranges; nothing when it is complete.
lacking() {
  "$1" - "$root" "$extras" <<'END'
import json, os, sys
from importlib import metadata
from urllib.parse import unquote, urlparse

from pip._vendor.packaging.requirements import Requirement

root, extras = sys.argv[1], sys.argv[2].split(",")
own = [entry for entry in sys.path if entry and os.path.realpath(entry) != root]  # not its egg-info
found = next(iter(metadata.distributions(name="wespk", path=own)), None)
source = json.loads((found and found.read_text("direct_url.json")) or "{}").get("url", "")
if found is None or os.path.realpath(unquote(urlparse(source).path)) != root:
    sys.exit(print("wespk"))
metadata_file = found.locate_file(f"wespk-{found.version}.dist-info/METADATA")
if os.path.getmtime(metadata_file) < os.path.getmtime(os.path.join(root, "setup.py")):
    sys.exit(print("what the newer setup.py asks for"))
lacking = []
for text in found.requires or []:
    wanted = Requirement(text)
    if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
        continue
    try:
        if not wanted.specifier.contains(metadata.version(wanted.name), prereleases=True):
            lacking.append(str(wanted.name))
    except metadata.PackageNotFoundError:
        lacking.append(str(wanted.name))
print(*lacking)
END
}

# Print requirements, a line each, that hold torch and torchaudio as they are.
torch_as_it_is() {
  "$1" - <<'END'
from importlib import metadata


def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


torch, torchaudio = version("torch"), version("torchaudio")
if torch:
    print("torch==" + torch)
if torchaudio:
    print("torchaudio==" + torchaudio)
elif torch:
    major, minor = torch.split(".")[:2]
    print(f"torchaudio=={major}.{minor}.*" if (int(major), int(minor)) <= (2, 11) else "torchaudio==2.11.*")
END
}

fail() {
  echo "setup_env.sh: $*" >&2
  exit 1
}

main "$@"
