// Further processes in running containers: create, then start once. A record
// stays inspectable for five minutes after the end, or until its container goes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/views.h"

namespace hull::engine {

struct ExecConfig { // body of POST /containers/{id}/exec
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    bool tty = false, privileged = false;
    std::string user, working_dir;
    std::string detach_keys;
    std::vector<std::string> env, cmd;
    std::vector<uint32_t> console_size; // height, width
};

struct ExecStart {
    bool detach = false;
    bool tty = false;
    std::vector<uint32_t> console_size = {}; // height, width; empty: that of create
    // Set unless detached. On an error the socket is closed, so a caller that
    // wants to say why on it keeps a duplicate.
    std::optional<Streams> streams = {};
};

class Execs {
public:
    virtual ~Execs() = default;

    // Errors: not_found (No such container), conflict (not running, paused),
    // invalid_argument (no command, bad detach keys).
    virtual Result<ExecId> create(const std::string& container, ExecConfig config) = 0;
    // Whether start may be: not_found "No such exec instance: x", conflict
    // (started before, or its container isn't running). Call it before the upgrade.
    virtual Result<ExecView> check_start(const std::string& id) = 0;
    // Returns when the program runs. Errors: no_such_program, not_executable, ...
    // (the exec then has exit code 127, 126, 126).
    virtual Result<void> start(const std::string& id, ExecStart request) = 0;
    virtual Result<ExecView> inspect(const std::string& id) = 0;
    virtual Result<void> resize(const std::string& id, uint16_t rows, uint16_t columns) = 0;
};

// "ctrl-p,ctrl-q", "a,ctrl-@"; empty text: the default. Errors: invalid_argument.
Result<DetachKeys> parse_detach_keys(const std::string& text);

} // namespace hull::engine
