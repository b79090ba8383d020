
typeset -gA _gilbench_before

_gilbench() {
  local command kind option=${words[CURRENT - 1]} current=${words[CURRENT]}
  local -a candidates
  command=$(_gilbench_command "${(@)words[1,CURRENT-1]}")
  if [[ -z $command ]]; then # what is not ours goes to whoever completed the command before
    local other=${_gilbench_before[${service:t}]}
    if [[ -n $other ]]; then
      $=other
    elif [[ $option == (-s|--session|--sessions) ]]; then
      compadd -- ${=_gilbench_sessions}
    else
      _default
    fi
    return
  fi
  if [[ $current == --*=* ]]; then
    option=${current%%=*}
    current=${current#*=}
    compset -P '*='
  fi
  kind=$(_gilbench_takes "$command" "$option")
  if [[ -z $kind || $kind == flag ]]; then
    kind=$(_gilbench_takes "$command" '')
    if [[ -z $kind || $current == -* ]]; then
      kind="one $(_gilbench_options "$command")"
    fi
  fi
  case $kind in
    file)
      _files
      return
      ;;
    other) return ;;
  esac
  _gilbench_ask "$kind"
  candidates=("${(@f)$(_gilbench_candidates "$kind" "$current")}")
  if [[ $kind == pythons || $kind == list* ]]; then
    compadd -S '' -- $candidates
  else
    compadd -- $candidates
  fi
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u; }
for _gilbench_name in gilbench nox uvx pipx python python3; do
  [[ ${_comps[$_gilbench_name]} == _gilbench ]] || _gilbench_before[$_gilbench_name]=${_comps[$_gilbench_name]}
done
unset _gilbench_name
compdef _gilbench gilbench nox uvx pipx python python3
