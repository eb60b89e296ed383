#!/usr/bin/env bats
# The restart matrix on prefixes: three on the primary ENI, the rest on a second one.
# Release build only: its minutes are waits; with sanitizers the simulation goes through the same restarts

load lab
export block=16 spare=30 keep=0
load restart

setup_file() {
  restart_setup vpce-prefixes t3.small ENABLE_PREFIX_DELEGATION=true
}

teardown() {
  restart_teardown
}

teardown_file() {
  lab_down
}

@test "IMDS is short by one prefix" {
  imds_is_short
}

@test "IMDS misses an ENI" {
  imds_misses_an_eni
}

@test "IMDS lists a prefix that was taken away" {
  imds_lists_what_was_taken
}

@test "EC2 refuses connections, IMDS lists a prefix that was taken away" {
  ec2_refuses_and_imds_lists_what_was_taken
}

@test "EC2 does not answer, IMDS is short by one prefix" {
  ec2_swallows_and_imds_is_short
}

@test "EC2 and IMDS both show the past" {
  both_are_stale
}
