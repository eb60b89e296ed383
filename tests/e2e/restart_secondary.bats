#!/usr/bin/env bats
# The restart matrix on secondary addresses: two ENIs of 29, almost full.
# Release build only: its minutes are waits; with sanitizers the simulation goes through the same restarts

load lab
export block=1 spare=2 keep=2
load restart

setup_file() {
  restart_setup vpce-restart m5.4xlarge
}

teardown() {
  restart_teardown
}

teardown_file() {
  lab_down
}

@test "IMDS is short by one address" {
  imds_is_short
}

@test "IMDS misses an ENI" {
  imds_misses_an_eni
}

@test "IMDS lists an address that was taken away" {
  imds_lists_what_was_taken
}

@test "EC2 refuses connections, IMDS lists an address that was taken away" {
  ec2_refuses_and_imds_lists_what_was_taken
}

@test "EC2 does not answer, IMDS is short by one address" {
  ec2_swallows_and_imds_is_short
}

@test "EC2 and IMDS both show the past" {
  both_are_stale
}
