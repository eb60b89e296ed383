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

@test "options and first words are completed, and pods by their names" {
  [ "$(completed vpccni doctor --j)" = --json ]
  [ "$(completed vpccni checkpoint v)" = verify ]
  [ "$(completed vpccni st | sort | xargs)" = 'startup status' ]
  mkdir "${BATS_TEST_TMPDIR}/bin"
  printf '#!/bin/sh\nprintf "POD ADDRESS\\nshop/web 10.0.0.4\\nshop/db 10.0.0.5\\n"\n' \
    >"${BATS_TEST_TMPDIR}/bin/vpccni"
  chmod +x "${BATS_TEST_TMPDIR}/bin/vpccni"
  PATH="${BATS_TEST_TMPDIR}/bin:${PATH}"
  [ "$(completed vpccni explain shop/w)" = shop/web ]
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
