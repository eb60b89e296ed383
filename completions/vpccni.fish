# fish completion for vpccni. Made by scripts/gen-docs; do not edit.
complete -c vpccni -f
function __vpccni_at --description "COMMAND [VERB]: what comes now is after it"
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __vpccni_after --description "COMMAND OPTION: what comes now is its value"
    set -l words (commandline -opc)
    test (count $words) -gt 2; and test "$words[2] $words[-1]" = "$argv"
end
function __vpccni_verb --description "COMMAND: what comes now is its first word"
    test (count (commandline -opc)) -eq 2; and __vpccni_at $argv
end
complete -c vpccni -n __fish_use_subcommand -a agent -d 'Runs the node'\''s daemon, set up by its environment'
complete -c vpccni -n __fish_use_subcommand -a bundle -d 'Writes an archive for support, with secrets taken out'
complete -c vpccni -n '__vpccni_at bundle; and not __vpccni_after bundle --out' -a '--no-logs --out'
complete -c vpccni -n '__vpccni_after bundle --out' -F
complete -c vpccni -n __fish_use_subcommand -a capacity -d 'Tells how many pods an instance type can have, by mode'
complete -c vpccni -n '__vpccni_at capacity' -a '--json --type'
complete -c vpccni -n __fish_use_subcommand -a checkpoint -d 'Shows or verifies the agent'\''s checkpoint; never writes'
complete -c vpccni -n '__vpccni_verb checkpoint' -a 'show verify'
complete -c vpccni -n '__vpccni_at checkpoint' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a cni -d 'The CNI plugin; called by the container runtime'
complete -c vpccni -n __fish_use_subcommand -a config -d 'Shows each setting'\''s value and origin; validates the environment'
complete -c vpccni -n '__vpccni_verb config' -a 'show validate'
complete -c vpccni -n '__vpccni_at config' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a conflist -d 'Writes the network configuration for the runtime; checks its settings'
complete -c vpccni -n '__vpccni_at conflist; and not __vpccni_after conflist --template; and not __vpccni_after conflist --to' -a '--check --print --template --to'
complete -c vpccni -n '__vpccni_after conflist --template' -F
complete -c vpccni -n '__vpccni_after conflist --to' -F
complete -c vpccni -n __fish_use_subcommand -a doctor -d 'Tells what is wrong with this node, worst first, and what to do'
complete -c vpccni -n '__vpccni_at doctor; and not __vpccni_after doctor --node-root' -a '--dry-run --fix --iam --json --list --node-root'
complete -c vpccni -n '__vpccni_after doctor --node-root' -F
complete -c vpccni -n __fish_use_subcommand -a drift -d 'Shows where agent, checkpoint, kernel, IMDS and EC2 differ'
complete -c vpccni -n '__vpccni_at drift' -a '--all --json --repair'
complete -c vpccni -n __fish_use_subcommand -a egress -d 'The CNI plugin for egress in the other IP family; called by the container runtime'
complete -c vpccni -n __fish_use_subcommand -a eni -d 'Lists, attaches and detaches ENIs; removes those that dead nodes left in the VPC'
complete -c vpccni -n '__vpccni_verb eni' -a 'attach detach gc list'
complete -c vpccni -n '__vpccni_at eni' -a '--json --yes'
complete -c vpccni -n __fish_use_subcommand -a explain -d 'Follows one pod'\''s packets hop by hop and names the first that is broken'
complete -c vpccni -n '__vpccni_at explain' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a fips-check -d 'Proves that cryptography here comes from the validated module'
complete -c vpccni -n '__vpccni_at fips-check; and not __vpccni_after fips-check --cacert; and not __vpccni_after fips-check --config; and not __vpccni_after fips-check --manifest; and not __vpccni_after fips-check --modules; and not __vpccni_after fips-check --profile; and not __vpccni_after fips-check --provider' -a '--cacert --config --explain --json --list --manifest --modules --only --profile --provider --quiet --strict --url'
complete -c vpccni -n '__vpccni_after fips-check --profile' -a 'quick full'
complete -c vpccni -n '__vpccni_after fips-check --provider' -a 'auto openssl wolfssl'
complete -c vpccni -n '__vpccni_after fips-check --cacert' -F
complete -c vpccni -n '__vpccni_after fips-check --config' -F
complete -c vpccni -n '__vpccni_after fips-check --manifest' -F
complete -c vpccni -n '__vpccni_after fips-check --modules' -F
complete -c vpccni -n __fish_use_subcommand -a help -d 'Tells what there is and how to call it'
complete -c vpccni -n '__vpccni_at help' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a host -d 'Installs the plugins on the node; sets kernel parameters'
complete -c vpccni -n '__vpccni_verb host' -a 'init install'
complete -c vpccni -n '__vpccni_at host; and not __vpccni_after host --from; and not __vpccni_after host --to' -a '--from --to'
complete -c vpccni -n '__vpccni_after host --from' -F
complete -c vpccni -n '__vpccni_after host --to' -F
complete -c vpccni -n __fish_use_subcommand -a ip -d 'Lists addresses of ENIs and who has them; gives and takes them by hand'
complete -c vpccni -n '__vpccni_verb ip' -a 'assign list unassign'
complete -c vpccni -n '__vpccni_at ip' -a '--count --json --prefixes --yes'
complete -c vpccni -n __fish_use_subcommand -a pods -d 'Lists which pod holds which address'
complete -c vpccni -n '__vpccni_at pods' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a probe -d 'Asks a gRPC server whether it is healthy'
complete -c vpccni -n '__vpccni_at probe' -a '-addr -connect-timeout -rpc-timeout -service -v'
complete -c vpccni -n __fish_use_subcommand -a startup -d 'Tells where the agent'\''s start is; exit 0 when it is ready'
complete -c vpccni -n '__vpccni_at startup' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a status -d 'Shows the node on one screen: agent, pool, ENIs, findings'
complete -c vpccni -n '__vpccni_at status' -a '--json --watch'
complete -c vpccni -n __fish_use_subcommand -a version -d 'Prints the version'
complete -c vpccni -n '__vpccni_at version' -a '--json'
complete -c vpccni -n __fish_use_subcommand -a why -d 'Lists the last ADDs that failed, with their reasons'
complete -c vpccni -n '__vpccni_at why' -a '--json'
complete -c vpccni -n '__vpccni_at help' -a 'environment agent bundle capacity checkpoint cni config conflist doctor drift egress eni explain fips-check help host ip pods probe startup status version why'
complete -c vpccni -n '__vpccni_at explain' -a '(vpccni pods 2>/dev/null | awk "NR > 1 { print \$1; print \$2 }")'
complete -c vpccni -n '__vpccni_at eni attach' -a '(vpccni eni gc 2>/dev/null | awk "/^eni-/ { print \$1 }")'
complete -c vpccni -n '__vpccni_at eni detach' -a '(vpccni eni list 2>/dev/null | awk "NR > 1 { print \$1 }")'
complete -c vpccni -n '__vpccni_at ip assign' -a '(vpccni eni list 2>/dev/null | awk "NR > 1 { print \$1 }")'
complete -c vpccni -n '__vpccni_at ip unassign' -a '(vpccni ip list 2>/dev/null | awk "\$3 == \"free\" || \$3 == \"prefix\" { print \$1 }")'
