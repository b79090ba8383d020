
declare -A _gilbench_before

# What is not ours goes to whoever completed the command before.
_gilbench_other() {
  local other=${_gilbench_before[${1##*/}]}
  if [[ -n $other ]]; then
    "$other" "$@"
  elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == @(-s|--session|--sessions) ]]; then
    COMPREPLY=($(compgen -W "$_gilbench_sessions" -- "$2"))
  fi
}

_gilbench() {
  local IFS=$' \t\n' command kind
  local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  command=$(_gilbench_command "${COMP_WORDS[@]:0:COMP_CWORD}")
  if [[ -z $command ]]; then
    _gilbench_other "$@"
    return
  fi
  if [[ $current == '=' ]]; then # --servers=, which bash takes apart
    current=
  elif [[ $option == '=' ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  kind=$(_gilbench_takes "$command" "$option")
  if [[ -z $kind || $kind == flag ]]; then
    kind=$(_gilbench_takes "$command" '')
    if [[ -z $kind || $current == -* ]]; then
      kind="one $(_gilbench_options "$command")"
    fi
  fi
  case $kind in
    file) return ;; # bash itself knows those
    other)
      compopt +o default +o bashdefault
      return
      ;;
  esac
  [[ $kind == pythons || $kind == list* ]] && compopt -o nospace
  _gilbench_ask "$kind"
  COMPREPLY=($(compgen -W "$(_gilbench_candidates "$kind" "$current")" -- "$current"))
}

for _gilbench_name in gilbench nox uvx pipx python python3; do
  declare -F _comp_load > /dev/null && _comp_load "$_gilbench_name" 2> /dev/null
  if [[ $(complete -p "$_gilbench_name" 2> /dev/null) =~ -F\ ([^ ]+) && ${BASH_REMATCH[1]} != _gilbench ]]; then
    _gilbench_before[$_gilbench_name]=${BASH_REMATCH[1]}
  fi
done
unset _gilbench_name
complete -o default -o bashdefault -F _gilbench gilbench nox uvx pipx python python3
