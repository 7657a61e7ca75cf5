// hull: the command line. Docker's commands and flags over the Engine API.
#include <string>
#include <vector>

#include "apps/hull/cli/session.h"

int main(int argc, char** argv) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    return hull::cli::run_program(arguments);
}
