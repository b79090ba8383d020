# Completion of gilbench's commands, printed by `gilbench completion`; print it anew after an update.

_gilbench_root=@ROOT@
_gilbench_python=@PYTHON@
_gilbench_sessions='@SESSIONS@'
_gilbench_variants='@VARIANTS@'

# The options of a command.
_gilbench_options() {
  case $1 in
@OPTIONS@
    *) return 1 ;;
  esac
}

# What an option of a command takes, or (no option) what stands alone: flag, file, other, cells, pythons,
# `one NAME ...`, `list NAME ...`.
_gilbench_takes() {
  case "$1 $2" in
@TAKES@
  esac
}

# The command that the words before the cursor name, if it is one of ours: typed as gilbench; or in our own folder as
# `python -m bench`, `python -m loadgen` and `python -m servers`; or as a session of nox with its words behind --.
_gilbench_command() {
  local word before= session= folder=. found=
  for word do
    if [ "$found" = gilbench ] && _gilbench_options "gilbench $word" > /dev/null; then
      found="gilbench $word"
    elif [ "$found" = 'gilbench load' ] && [ "$before" = loadgen ] && [ "$word" = talk ]; then
      found='gilbench talk'
    elif [ -z "$before" ] && [ "${word##*/}" = gilbench ]; then
      found=gilbench
    elif [ "$before" = -m ] && [ -f bench/paths.py ]; then
      case $word in
        bench) found=gilbench ;;
        loadgen) found='gilbench load' ;;
        servers) found='python -m servers' ;;
      esac
    elif [ "$word" = -- ] && [ -n "$session" ] && [ -f "$folder/bench/paths.py" ]; then
      _gilbench_options "gilbench $session" > /dev/null && printf '%s\n' "gilbench $session"
      return
    fi
    case $before in
      -s | --session | --sessions) session=$word ;;
      -f | --noxfile)
        case $word in
          '~/'*) folder=$HOME/${word#??} ;;
          *) folder=$word ;;
        esac
        case $folder in
          */*) folder=${folder%/*} ;;
          *) folder=. ;;
        esac
        ;;
    esac
    before=$word
  done
  printf '%s\n' "$found"
}

# The interpreters found are asked for once; cells are those of the latest run.
_gilbench_ask() {
  [ "$1" != pythons ] || [ -n "$_gilbench_found" ] ||
    _gilbench_found=$(cd "$_gilbench_root" && "$_gilbench_python" -m bench pythons --names 2> /dev/null)
}

_gilbench_cells() {
  sed -n '/"cells": \[/,/\]/s/^ *"\([^"]*\)",\{0,1\}$/\1/p' "${GILBENCH_RESULTS:-$_gilbench_root/results}/latest/run.json" \
    2> /dev/null
}

# What could stand in place of a word: what it takes, the word so far. Lists leave out what they have.
_gilbench_candidates() {
  local name begun= taken=,
  case $1 in
    pythons | list*)
      case $2 in
        *,*) begun=${2%,*}, taken=,${2%,*}, ;;
      esac
      ;;
  esac
  case "$1 ${2##*,}" in
    'pythons '*+*) begun=${2%+*} ;;
  esac
  case "$1 ${2##*,}" in
    'pythons '*+*) printf '%s\n' "$_gilbench_variants" | tr ' ' '\n' ;;
    pythons*) printf '%s\n' auto "$_gilbench_found" ;;
    cells*) _gilbench_cells ;;
    *) printf '%s\n' "${1#* }" | tr ' ' '\n' ;;
  esac | while IFS= read -r name; do
    case $taken in
      *",$name,"*) ;;
      *) printf '%s\n' "$begun$name" ;;
    esac
  done
}
