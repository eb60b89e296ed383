# bash completion for vpccni. Made by scripts/gen-docs; do not edit.
# shellcheck shell=bash disable=SC2207  # words of our own
_vpccni() {
  local word=${COMP_WORDS[COMP_CWORD]} all='' verbs='' verb=''
  _vpccni_take() { COMPREPLY=($(compgen -W "$*" -- "${word}")); }
  _vpccni_files() { COMPREPLY=($(compgen -f -- "${word}")); }
  if ((COMP_CWORD == 1)); then
    _vpccni_take agent bundle capacity checkpoint cni config conflist doctor drift egress eni explain fips-check help host ip pods probe startup status version why
    return
  fi
  case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}" in
    'fips-check --profile') _vpccni_take quick full; return ;;
    'fips-check --provider') _vpccni_take auto openssl wolfssl; return ;;
    'bundle --out') _vpccni_files; return ;;
    'conflist --template') _vpccni_files; return ;;
    'conflist --to') _vpccni_files; return ;;
    'doctor --node-root') _vpccni_files; return ;;
    'fips-check --cacert') _vpccni_files; return ;;
    'fips-check --config') _vpccni_files; return ;;
    'fips-check --manifest') _vpccni_files; return ;;
    'fips-check --modules') _vpccni_files; return ;;
    'host --from') _vpccni_files; return ;;
    'host --to') _vpccni_files; return ;;
  esac
  case ${COMP_WORDS[1]} in
    bundle) all="--no-logs --out" verbs="" ;;
    capacity) all="--json --type" verbs="" ;;
    checkpoint) all="--json" verbs="show verify" ;;
    config) all="--json" verbs="show validate" ;;
    conflist) all="--check --print --template --to" verbs="" ;;
    doctor) all="--dry-run --fix --iam --json --list --node-root" verbs="" ;;
    drift) all="--all --json --repair" verbs="" ;;
    eni) all="--json --yes" verbs="attach detach gc list" ;;
    explain) all="--json" verbs="" ;;
    fips-check) all="--cacert --config --explain --json --list --manifest --modules --only --profile --provider --quiet --strict --url" verbs="" ;;
    host) all="--from --to" verbs="init install" ;;
    ip) all="--count --json --prefixes --yes" verbs="assign list unassign" ;;
    pods) all="--json" verbs="" ;;
    probe) all="-addr -connect-timeout -rpc-timeout -service -v" verbs="" ;;
    startup) all="--json" verbs="" ;;
    status) all="--json --watch" verbs="" ;;
    version) all="--json" verbs="" ;;
    why) all="--json" verbs="" ;;
    help) all="--json environment agent bundle capacity checkpoint cni config conflist doctor drift egress eni explain fips-check help host ip pods probe startup status version why" verbs='' ;;
  esac
  if ((COMP_CWORD == 2)); then
    all="${verbs} ${all}"
  else
    verb=${COMP_WORDS[2]}
  fi
  if [[ ${word} != -* ]]; then
    case "${COMP_WORDS[1]} ${verb}" in
      'explain '*) all="${all} $(vpccni pods 2>/dev/null | awk 'NR > 1 { print $1; print $2 }')" ;;
      'eni attach') all="${all} $(vpccni eni gc 2>/dev/null | awk '/^eni-/ { print $1 }')" ;;
      'eni detach') all="${all} $(vpccni eni list 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
      'ip assign') all="${all} $(vpccni eni list 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
      'ip unassign') all="${all} $(vpccni ip list 2>/dev/null | awk '$3 == "free" || $3 == "prefix" { print $1 }')" ;;
    esac
  fi
  _vpccni_take "${all}"
}
complete -o default -F _vpccni vpccni
