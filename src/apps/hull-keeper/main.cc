// hull-keeper: the parent of all containers. Started by hulld, not by hand.
#include <sys/prctl.h>

#include "base/log.h"
#include "runtime/keeper/program.h"
#include "sys/sealed_self.h"

int main(int argc, char** argv) {
    // Its children enter containers, some of them as the host's root.
    if (auto sealed = hull::sys::run_unwritable(argv); !sealed.ok()) {
        hull::log::error("run from a sealed copy of hull-keeper", sealed.error());
        return 1;
    }
    ::prctl(PR_SET_NAME, "hull-keeper"); // the copy has no name
    auto starter = hull::keeper::make_starter();
    return hull::keeper::run_program(argc, argv, *starter);
}
