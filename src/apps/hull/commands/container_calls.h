// Requests on containers that several commands make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/hull/client/engine.h"
#include "apps/hull/stream/pump.h"

namespace hull::cli {

std::string container_path(const std::string& name, const char* action);

// "8080:80/tcp" and the like, as the API has bindings: {"80/tcp": [{"HostIp", "HostPort"}]}.
Result<boost::json::object> port_bindings(const std::vector<std::string>& ports);

// Sends "wait" and comes back once the engine has taken it, so that an end that
// comes at once is not missed.
class ExitWaiter {
public:
    // condition: "", "next-exit" or "removed".
    static Result<ExitWaiter> begin(Engine& engine, const std::string& name, const char* condition);
    // Blocks for the answer's head; optional, code() does it too.
    Result<void> settle();
    // Blocks until the condition holds; the container's exit code.
    Result<int> code();

private:
    explicit ExitWaiter(Exchange exchange) : exchange_(std::move(exchange)) {}
    Exchange exchange_;
    bool settled_ = false;
};

// A hijacked attach, sent but not answered yet.
Result<Exchange> begin_attach(Engine& engine, const std::string& name, const Streams& streams,
                              const std::string& detach_keys, bool with_logs = false);
// Fills resize and forward of the streams for a container; the engine must
// outlive them.
void connect_controls(Streams& streams, Engine& engine, const std::string& name, bool proxy_signals);

// 125, or 126 and 127 when the message says that the program can't be run.
int exit_code_of_start_error(const std::string& message);

// The bytes of --detach-keys, the configured ones, or the default.
struct DetachKeys {
    std::string given; // as text, for the engine; empty: its default
    std::string bytes;
};
class Session;
Result<DetachKeys> detach_keys_of(Session& session);

// What docker says when -t is asked for and stdin is no terminal.
Result<void> check_terminal(bool attach_stdin, bool tty);

// "seconds" of a time that may be a Go duration before now, RFC 3339, a local
// date or a Unix time; as the engine wants it. name: of the flag. Errors:
// invalid_argument.
Result<std::string> timestamp_of(const std::string& name, const std::string& text);

} // namespace hull::cli
