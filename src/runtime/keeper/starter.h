// How tasks come into being, as the server sees it: runtime/'s launcher in the
// keeper, something simpler in tests.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/report.h"

namespace hull::keeper {

// One start under way.
class Start {
public:
    virtual ~Start() = default;
    // A child to reap, besides the task itself; 0: none.
    virtual pid_t intermediate() const = 0;
    virtual BorrowedFd fd() const = 0; // readable when events() has something
    // What happened since; after `executed` or `failed` nothing more.
    virtual std::vector<runtime::LaunchEvent> events() = 0;
};

// The program's ends; borrowed. Invalid with a terminal.
struct ProgramStdio {
    BorrowedFd in, out, err;
};

class Starter {
public:
    virtual ~Starter() = default;
    // plan: encoded Plan or ExecPlan. Neither call waits for the program.
    virtual Result<std::unique_ptr<Start>> launch(std::string_view plan, std::span<const BorrowedFd> plan_fds,
                                                  const ProgramStdio& stdio) = 0;
    virtual Result<std::unique_ptr<Start>> exec(BorrowedFd init, std::string_view plan, const ProgramStdio& stdio) = 0;
};

// The real one. The process must be single-threaded and privileged.
std::unique_ptr<Starter> make_starter();

} // namespace hull::keeper
