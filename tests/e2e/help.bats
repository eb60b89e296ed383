#!/usr/bin/env bats
# Help, manual pages and completions agree, for every command.
# Release build only: texts

bats_require_minimum_version 1.5.0

root=${BATS_TEST_DIRNAME}/../..

setup() { v=${VPCCNI_BUILD}/vpccni; }

commands() { "${v}" help --json | jq -r '.commands[].name'; }

# completed WORD...: what bash offers for the last of them.
completed() {
  # shellcheck source=completions/vpccni.bash
  . "${root}/completions/vpccni.bash"
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _vpccni
  printf '%s\n' "${COMPREPLY[@]}"
}

@test "docs, manual pages and completions are what the program's tables say" {
  run -0 "${root}/scripts/gen-docs" --check "${v}"
}

@test "each command has help, a page and a completion, and help says its usage" {
  local command usage
  for command in $(commands); do
    usage=$("${v}" help --json | jq -r --arg name "${command}" '.commands[] | select(.name == $name) | .usage')
    run -0 "${v}" help "${command}"
    [[ ${output} == *"usage: vpccni ${command}"*"${usage}"* ]]
    grep -q "^\.B vpccni ${command//-/\\\\-}\$" "${root}/man/vpccni-${command}.1"
    completed vpccni "" | grep -qx -- "${command}"
    grep -q -- "    '${command}:" "${root}/completions/_vpccni"
    grep -q -- "-a ${command} -d" "${root}/completions/vpccni.fish"
  done
}

@test "what prints JSON is described in docs/schema, each file there is of a command, and help and page name it" {
  local command name
  diff <("${v}" help --json | jq -r '.commands[].schemas[] + ".json"' | sort -u) \
    <(cd "${root}/docs/schema" && printf '%s\n' *.json | sort)
  run -0 "${v}" help --json
  jq -e '.commands | all((.usage | contains("--json")) == (.schemas != []))' <<<"${output}"
  for command in $(commands); do
    for name in $("${v}" help --json | jq -r --arg name "${command}" '.commands[] | select(.name == $name) | .schemas[]'); do
      "${v}" help "${command}" | grep -q "^--json is described in docs/schema/.*\b${name}\.json"
      grep -q "described in docs/schema/.*\b${name//-/\\\\-}\.json" "${root}/man/vpccni-${command}.1"
    done
  done
}

# A program that has two pods, two ENIs, one left by another node, and addresses.
stand_in() {
  mkdir "${BATS_TEST_TMPDIR}/bin"
  cat >"${BATS_TEST_TMPDIR}/bin/vpccni" <<'EOF'
#!/bin/sh
case "$*" in
  pods) printf 'POD ADDRESS\nshop/web 10.0.0.4\nshop/db 10.0.0.5\n' ;;
  'eni list') printf 'ENI DEVICE\neni-1 0\neni-2 1\n' ;;
  'eni gc') printf 'ENI WHAT\neni-3 stays\n' ;;
  'ip list') printf 'ADDRESS ENI STATE POD\n10.0.0.4 eni-1 pod shop/web\n10.0.0.9 eni-1 free\n' ;;
esac
EOF
  chmod +x "${BATS_TEST_TMPDIR}/bin/vpccni"
  PATH="${BATS_TEST_TMPDIR}/bin:${PATH}"
}

# completed_zsh WORD..., completed_fish WORD...: as completed, in the other shells.
completed_zsh() {
  # shellcheck disable=SC2016  # text for zsh
  zsh -f -c 'compadd() { shift; print -rl -- "$@" }
    _describe() { print -rl -- ${commands%%:*} }
    _files() { }
    words=("${@[2,-1]}"); CURRENT=$#words
    look() { source "$1" }
    look "$1"' zsh "${root}/completions/_vpccni" "$@" | awk -v word="${*: -1}" 'index($0, word) == 1'
}
completed_fish() {
  # shellcheck disable=SC2016  # text for fish
  fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "${root}/completions/vpccni.fish" "$*" | cut -f 1
}

# offers "WORDS" WORD...: what each shell offers for the last word.
offers() {
  local shell wanted
  wanted=$(tr ' ' '\n' <<<"$1" | sort | xargs)
  shift
  for shell in completed completed_zsh completed_fish; do
    [ "$("${shell}" vpccni "$@" | sort -u | xargs)" = "${wanted}" ] || {
      echo "${shell} vpccni $*: $("${shell}" vpccni "$@" | sort -u | xargs), not ${wanted}"
      return 1
    }
  done
}

@test "bash, zsh and fish offer the same: commands, verbs, options, their values, and what the node has" {
  stand_in
  offers 'startup status' st
  offers --json doctor --j
  offers verify checkpoint v
  offers '--json --yes' eni gc --
  offers detach eni d
  offers unassign ip u
  offers 'full quick' fips-check --profile ""
  offers 'auto openssl wolfssl' fips-check --json --provider ""
  offers shop/web explain shop/w
  offers '10.0.0.4 10.0.0.5' explain 10
  offers 'eni-1 eni-2' eni detach e
  offers eni-3 eni attach e
  offers 'eni-1 eni-2' ip assign e
  offers 10.0.0.9 ip unassign 1
  offers drift help dri
}

@test "help fits one screen, and tells where to start" {
  run -0 "${v}" help
  (($("${v}" help | wc -l) <= 31))
  [[ ${output} == *'New here?'* ]]
  local line
  for line in "${lines[@]}"; do
    ((${#line} <= 100))
  done
}

@test "options that are none are usage errors, everywhere" {
  local command
  for command in $(commands); do
    [[ ${command} != cni && ${command} != egress && ${command} != probe ]] || continue
    run -2 "${v}" "${command}" --no-such-option </dev/null
  done
}
