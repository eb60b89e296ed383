#!/bin/sh
# The container's start: what upstream's entrypoint does, with each step a command that can be run by
# hand. With arguments, these are run instead of it (vpccni fips-check, for an auditor).
#   APP_DIR  where the programs are; default /app
set -eu

app=${APP_DIR:-/app}
vpccni=${app}/vpccni
case ${VPCCNI_GRPC_LISTEN:-} in
  tcp) address=127.0.0.1:50051 ;;
  *) address=unix:/var/run/aws-node/ipamd.sock ;;
esac

say() { echo "entrypoint: $*"; }
fail() {
  echo "entrypoint: $*" >&2
  exit 1
}

[ $# -eq 0 ] || exec "$@"

if [ "${VPCCNI_FIPS:-off}" = require ]; then
  say 'checking the cryptographic module'
  "${vpccni}" fips-check --quiet || fail 'the cryptographic module is not in order (above); see vpccni fips-check --explain'
else
  say "VPCCNI_FIPS=${VPCCNI_FIPS:-off}: the cryptographic module is not checked"
fi
"${vpccni}" conflist --check || fail 'settings are refused (above); see vpccni help environment'
[ ! -d /run/xtables.lock ] || fail '/run/xtables.lock is a directory: mount it with type FileOrCreate'
"${vpccni}" host install --from "${app}" || fail 'the plugins could not be installed (above)'

"${vpccni}" agent &
agent=$!
stopping=''
# shellcheck disable=SC2317,SC2329  # by the trap
forward() {
  stopping=1
  kill -TERM "${agent}" 2>/dev/null || true
}
trap forward TERM INT

# Ends as the agent ends. A signal ends the wait, not the agent.
finish() {
  while :; do
    code=0
    wait "${agent}" || code=$?
    kill -0 "${agent}" 2>/dev/null || break
  done
  say "the agent ended with ${code}"
  exit "${code}"
}

# The probe itself tries for a second.
rounds=0
until "${vpccni}" probe -addr="${address}" -connect-timeout=1s -rpc-timeout=1s 2>/dev/null; do
  [ -z "${stopping}" ] || finish
  kill -0 "${agent}" 2>/dev/null || finish
  rounds=$((rounds + 1))
  if [ $((rounds % 5)) -eq 0 ]; then
    say "the agent is not ready yet: $("${vpccni}" startup 2>&1 || true)"
  fi
  sleep 0.1
done
[ -z "${stopping}" ] || finish
if ! "${vpccni}" conflist --template "${app}/10-aws.conflist"; then
  say 'the network configuration could not be written (above)' >&2
  forward
  wait "${agent}" || true
  exit 1
fi
say 'ready'
finish
