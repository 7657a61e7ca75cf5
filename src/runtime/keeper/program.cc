#include "runtime/keeper/program.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/log.h"
#include "runtime/keeper/server.h"
#include "sys/process.h"
#include "sys/self.h"

namespace hull::keeper {

namespace {

struct Arguments {
    std::string exec_root;
    int connection = -1; // a first hulld's socket
    int resume = -1;     // state left by the program that this process was
    int fallback = -1;   // that program, in case the state can't be read
    bool version = false;
};

bool read_number(const char* text, int& into) {
    const char* end = text + std::strlen(text);
    auto [stop, error] = std::from_chars(text, end, into);
    return error == std::errc() && stop == end && into >= 0;
}

bool read_arguments(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        std::string_view name = argv[i];
        if (name == "--version") {
            arguments.version = true;
            continue;
        }
        if (++i == argc) return false;
        bool ok = false;
        if (name == "--exec-root") {
            arguments.exec_root = argv[i];
            ok = argv[i][0] == '/';
        } else if (name == "--connection") {
            ok = read_number(argv[i], arguments.connection);
        } else if (name == "--resume") {
            ok = read_number(argv[i], arguments.resume);
        } else if (name == "--fallback") {
            ok = read_number(argv[i], arguments.fallback);
        }
        if (!ok) return false;
    }
    return arguments.version || !arguments.exec_root.empty();
}

// The program before this one wrote the state, so it can read it.
Error fall_back(const Arguments& arguments) {
    (void)sys::duplicate_to(BorrowedFd(arguments.resume), arguments.resume);
    return sys::exec_fd(
        BorrowedFd(arguments.fallback),
        {"hull-keeper", "--exec-root", arguments.exec_root, "--resume", std::to_string(arguments.resume)}, {});
}

Result<std::unique_ptr<Server>> make_server(const Arguments& arguments, Starter& starter) {
    if (arguments.resume < 0)
        return Server::create({.exec_root = arguments.exec_root}, starter, UniqueFd(arguments.connection));
    UniqueFd state(arguments.resume), old_program(arguments.fallback);
    auto server = Server::resume(starter, state.borrow());
    if (server.ok() || !old_program) return server;
    log::error("take over from the program before", server.error());
    return fall_back(arguments);
}

} // namespace

int run_program(int argc, char** argv, Starter& starter) {
    Arguments arguments;
    if (!read_arguments(argc, argv, arguments)) {
        std::fputs("usage: hull-keeper --exec-root <folder> [--connection <fd>]\nStarted by hulld.\n", stderr);
        return 2;
    }
    if (arguments.version) {
        std::puts("hull-keeper " HULL_VERSION);
        return 0;
    }
    sys::raise_descriptor_limit();
    auto server = make_server(arguments, starter);
    if (!server.ok()) {
        log::error("start the keeper", server.error());
        return 1;
    }
    if (auto ran = (*server)->run(); !ran.ok()) {
        log::error("keep", ran.error());
        return 1;
    }
    return 0;
}

} // namespace hull::keeper
