// rpc_probe: the probe alone, for its test.

#include <csignal>
#include <iostream>

#include "cmd/command.h"

int main(int argc, char** argv) {
  const vpccni::base::SystemClock clock;
  return vpccni::cmd::run_probe({"rpc_probe",
                                 std::vector<std::string>(argv + std::min(argc, 1), argv + argc),
                                 {},
                                 clock,
                                 std::cin,
                                 std::cout,
                                 std::cerr});
}
