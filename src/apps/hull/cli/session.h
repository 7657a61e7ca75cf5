// One call of the program: what was asked and the way to the engine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/hull/cli/command.h"
#include "apps/hull/client/config_file.h"
#include "apps/hull/client/engine.h"
#include "apps/hull/client/reach.h"
#include "base/result.h"

namespace hull::cli {

struct Globals {
    std::string host, context, config_folder;
    bool debug = false;
    TlsFlags tls{};
};

class Session {
public:
    Session(const Command& command, Flags flags, Globals globals)
        : command_(command), flags_(std::move(flags)), globals_(std::move(globals)) {}

    const Command& command() const { return command_; }
    const Flags& flags() const { return flags_; }
    const std::vector<std::string>& operands() const { return flags_.operands(); }
    const Globals& globals() const { return globals_; }

    // Made on first use; lives as long as the session.
    Result<Engine*> engine();
    Result<const ConfigFile*> config();
    // "default" when no context is in use.
    Result<EngineAddress> address() const;

private:
    const Command& command_;
    Flags flags_;
    Globals globals_;
    std::unique_ptr<Engine> engine_;
    std::optional<ConfigFile> config_;
};

// Standard output and error, unbuffered. When nobody reads the output any more
// the process ends, as SIGPIPE would have it.
void print(std::string_view text);
void print_error(std::string_view text);
// `hull ...` from main(): parses, runs, prints errors; the exit code.
int run_program(std::span<const std::string> arguments);
// The same of a command that is a part of another one: {"run", "-it", ...}, which exists.
int run_part(std::span<const std::string> words, const Globals& globals);

// Runs `one` for each operand, prints its name (unless quiet) or its error.
// The exit code: 1 when one failed.
Result<int> for_each_operand(Session& session, const std::function<Result<void>(Engine&, const std::string&)>& one,
                             bool print_names = true);

// {"label":{"a=b":true}} of --filter a=b ...; empty text without any.
// Errors: invalid_argument.
Result<std::string> filters_json(const std::vector<std::string>& filters);

} // namespace hull::cli
