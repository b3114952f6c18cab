# shellcheck shell=bash source=path.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../path.sh"
