# bash completion for vpccni. Made by scripts/gen-docs; do not edit.
# shellcheck shell=bash disable=SC2207  # words of our own
_vpccni() {
  local word=${COMP_WORDS[COMP_CWORD]} all=''
  if ((COMP_CWORD == 1)); then
    all="agent bundle capacity checkpoint cni config conflist doctor drift egress eni explain fips-check help host ip pods probe startup status version why"
  else
    case ${COMP_WORDS[1]} in
      bundle) all="--no-logs --out" ;;
      capacity) all="--json --type" ;;
      checkpoint) all="--json show verify" ;;
      config) all="--json show validate" ;;
      conflist) all="--check --print --template --to" ;;
      doctor) all="--dry-run --fix --json --list --node-root" ;;
      drift) all="--all --json --repair" ;;
      eni) all="--json --yes attach gc list" ;;
      explain) all="--json" ;;
      fips-check) all="--cacert --config --explain --json --list --manifest --modules --only --profile --provider --quiet --strict --url" ;;
      help) all="--json" ;;
      host) all="--from --to init install" ;;
      ip) all="--count --json --prefixes --yes assign list" ;;
      pods) all="--json" ;;
      probe) all="-addr -connect-timeout -rpc-timeout -service -v" ;;
      startup) all="--json" ;;
      status) all="--json --watch" ;;
      version) all="--json" ;;
      why) all="--json" ;;
    esac
    if [[ ${COMP_WORDS[1]} == explain && ${word} != -* ]]; then
      all=$(vpccni pods 2>/dev/null | awk 'NR > 1 { print $1 }')
    elif [[ ${COMP_WORDS[1]} == help ]]; then
      all="environment agent bundle capacity checkpoint cni config conflist doctor drift egress eni explain fips-check help host ip pods probe startup status version why"
    fi
  fi
  COMPREPLY=($(compgen -W "${all}" -- "${word}"))
}
complete -o default -F _vpccni vpccni
