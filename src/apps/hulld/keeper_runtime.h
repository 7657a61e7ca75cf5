// engine::RuntimePort over the keeper: compiles specs to plans, talks to the
// keeper, starts a new one when it dies, and looks after cgroups.
#pragma once

#include <memory>
#include <string>

#include "engine/runtime_port.h"

namespace hull {

struct KeeperRuntimeOptions {
    std::string exec_root;        // absolute; made with mode 0700 when missing
    std::string keeper_program;   // empty: find_keeper_program()
    bool trace_start = false;     // log the steps of each launch
    bool systemd_cgroups = false; // systemd makes them; error unavailable where it can't
};

// ../libexec/hull/hull-keeper of this program, or ../hull-keeper/hull-keeper in
// a build tree. not_found names both.
Result<std::string> find_keeper_program();

// The port to hand to engine/. Its destructor leaves containers running; the
// keeper ends by itself when there are none.
Result<std::unique_ptr<engine::RuntimePort>> make_keeper_runtime(KeeperRuntimeOptions options);

} // namespace hull
