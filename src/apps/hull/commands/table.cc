// The command table: every name, flag and summary there is, from the files
// table_*.cc, one per noun.
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag global[] = {
    {"config", 0, text, "string", "", "Folder of the client's settings (default: $DOCKER_CONFIG or ~/.docker)", {}},
    {"context", 'c', text, "string", "", "Context to use (before DOCKER_HOST and the current one)", {}},
    {"debug", 'D', boolean, "", "", "Debug mode", {}},
    {"host",
     'H',
     text,
     "string",
     "",
     "The engine's socket: unix:///path, tcp://host:port or ssh://[user@]host[:port]",
     {}},
    {"log-level", 'l', text, "string", "info", "Least important messages to show: debug, info, warn, error, fatal", {}},
    {"tls", 0, boolean, "", "", "TLS (implied by --tlsverify)", {}},
    {"tlscacert", 0, text, "string", "", "Whose certificates to trust (default: $DOCKER_CERT_PATH/ca.pem)", {}},
    {"tlscert", 0, text, "string", "", "Certificate to show (default: $DOCKER_CERT_PATH/cert.pem)", {}},
    {"tlskey", 0, text, "string", "", "Its key (default: $DOCKER_CERT_PATH/key.pem)", {}},
    {"tlsverify", 0, boolean, "", "", "TLS, and the engine's certificate is verified", {}},
    {"version", 'v', boolean, "", "", "Print the version", {}},
};

constexpr Manager manager_table[] = {
    {"builder", "Manage builds"}, {"container", "Manage containers"}, {"context", "Manage contexts"},
    {"image", "Manage images"},   {"network", "Manage networks"},     {"system", "Manage the engine"},
    {"volume", "Manage volumes"},
};

} // namespace
} // namespace rows

std::span<const Command> commands() {
    static const std::vector<Command> table = [] {
        std::vector<Command> all;
        all.reserve(96);
        for (auto part :
             {container_commands, image_commands, network_commands, volume_commands, system_commands, context_commands})
            for (Command& row : part()) all.push_back(row);
        return all;
    }();
    return table;
}

std::span<const Manager> managers() { return rows::manager_table; }
std::span<const Flag> global_flags() { return rows::global; }

} // namespace hull::cli
