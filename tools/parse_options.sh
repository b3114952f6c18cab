# shellcheck shell=bash
# Sourced by a script after it has set its variables: makes each of them a command-line option.
#
#   nj=4            # jobs side by side
#   shuffle=true    # another order every epoch
#   help_message="Usage: train.sh [options] <data-dir>"
#   . "$WESPK_ROOT/tools/parse_options.sh"
#   data=$1
#
#   train.sh --nj 8 --shuffle false data/train        train.sh --help
#
# As in Kaldi: `--stop-stage 3` or `--stop_stage 3` sets stop_stage, which must be defined already;
# `--name=value` is an error; a variable that is true or false takes nothing else; `--config F` sources the
# shell file F before any other option counts, unless the script has a variable `config` of its own; what
# follows the options stays in "$@". Unlike in Kaldi: values are never evaluated; a missing value is an error;
# variables in capitals (PATH, HOME) are no options; --set may be repeated, its values are joined by blanks.

# Names, defaults and comments of the options: the `name=value  # comment` lines of the calling script above
# the one that sources this file. One a line, tabs between.
_options_of_caller() {
  local place
  # The script may have changed folder since it was started by a relative name.
  for place in "$_option_script" "${OLDPWD:-.}/$_option_script" "${_option_script##*/}"; do
    [ ! -f "$place" ] || break
  done
  [ -f "$place" ] || return 0
  awk '
    /^[ \t]*(\.|source)[ \t].*parse_options\.sh/ { exit }
    open_quote { if (index($0, open_quote)) open_quote = ""; next }
    /^[A-Za-z][A-Za-z0-9_]*=/ {
      name = substr($0, 1, index($0, "=") - 1)
      rest = substr($0, length(name) + 2)
      quote = substr(rest, 1, 1)
      if (quote == "\"" || quote == "\047") {
        end = index(substr(rest, 2), quote)
        if (!end) { open_quote = quote; next }
        value = substr(rest, 1, end + 1)
        rest = substr(rest, end + 2)
      } else {
        value = match(rest, /[ \t]+#/) ? substr(rest, 1, RSTART - 1) : rest
        rest = substr(rest, length(value) + 1)
      }
      sub(/^[ \t]*#[ \t]*/, "", rest)
      if (name ~ /[a-z]/ && name != "help_message") print name "\t" value "\t" rest
    }' "$place"
}

_print_help() {
  printf '%s\n\n' "${help_message:-Usage: $0 [options]}"
  echo "Options and their defaults (--name value):"
  _options_of_caller | awk -F '\t' '
    { name[NR] = "--" $1; value[NR] = $2 == "" ? "\"\"" : $2; comment[NR] = $3
      if (length(name[NR]) > wide) wide = length(name[NR])
      if (length(value[NR]) > wider) wider = length(value[NR]) }
    END {
      if (wider > 24) wider = 24
      for (i = 1; i <= NR; i++) {
        line = sprintf("  %-" wide "s  %-" wider "s  %s", name[i], value[i], comment[i])
        sub(/ +$/, "", line)
        print line
      }
    }'
}

_option_error() {
  echo "$0: $*" >&2
  exit 1
}

_is_option() { # a variable of the script: defined, and not one of the environment's in capitals
  [[ $1 =~ ^[A-Za-z][A-Za-z0-9_]*$ && $1 == *[[:lower:]]* && -n ${!1+defined} ]]
}

_unknown_option() {
  local near
  near=$(_options_of_caller | cut -f 1 | word=$2 awk -f "${BASH_SOURCE[0]%/*}/nearest.awk" | head -n 1)
  _option_error "unknown option $1${near:+; the nearest is --$near}. See $0 --help"
}

_option_script=${BASH_SOURCE[1]:-$0}

if [ -z "${config+defined}" ]; then
  for ((_option_at = 1; _option_at <= $#; _option_at++)); do
    [ "${!_option_at}" = --config ] || continue
    _option_at=$((_option_at + 1))
    [ "$_option_at" -le $# ] || _option_error "option --config needs a value"
    _option_file=${!_option_at}
    [ -f "$_option_file" ] || _option_error "--config $_option_file: no such file"
    case $_option_file in */*) ;; *) _option_file=./$_option_file ;; esac # else `.` searches PATH
    # shellcheck source=/dev/null
    . "$_option_file"
  done
  _option_config_read=true
fi

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) _print_help; exit 0 ;;
    --) shift; break ;;
    --*=*) _option_error "$1: write options as --name value, without =" ;;
    --config) if [ "${_option_config_read:-}" = true ]; then shift 2; continue; fi ;;
    --*) ;;
    -[[:alpha:]]*) _option_error "$1: options begin with two dashes, -$1" ;;
    *) break ;;
  esac

  _option=${1#--}
  _option=${_option//-/_}
  _is_option "$_option" || _unknown_option "$1" "$_option"
  [ $# -gt 1 ] || _option_error "option $1 needs a value"
  if [[ $2 == --* ]]; then
    _option_next=${2#--}
    ! _is_option "${_option_next//-/_}" || _option_error "option $1 needs a value, and $2 is an option"
  fi
  case ${!_option} in
    true | false)
      [[ $2 == true || $2 == false ]] || _option_error "option $1 takes true or false, not '$2'" ;;
  esac
  if [ "$_option" = set ] && [ -n "${_option_set_given:-}" ]; then
    printf -v set '%s %s' "$set" "$2"
  else
    printf -v "$_option" '%s' "$2"
  fi
  [ "$_option" != set ] || _option_set_given=true
  shift 2
done

unset _option _option_at _option_file _option_next _option_script _option_config_read _option_set_given
unset -f _options_of_caller _print_help _option_error _is_option _unknown_option
true
