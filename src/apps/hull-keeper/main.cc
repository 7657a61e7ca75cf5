// hull-keeper: the parent of all containers. Started by hulld, not by hand.
#include "runtime/keeper/program.h"

int main(int argc, char** argv) {
    auto starter = hull::keeper::make_starter();
    return hull::keeper::run_program(argc, argv, *starter);
}
