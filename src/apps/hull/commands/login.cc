// login and logout.
#include <boost/json.hpp>

#include "apps/hull/client/credentials.h"
#include "apps/hull/commands/commands.h"
#include "sys/file.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

constexpr BorrowedFd login_input{0};
constexpr size_t longest_answer = size_t{64} << 10;

Result<std::string> read_answer(bool whole) {
    std::string out;
    char c;
    while (out.size() < longest_answer && TRY(sys::read(login_input, std::span(&c, 1))) == 1) {
        if (c == '\n' && !whole) break;
        out += c;
    }
    while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();
    return out;
}

std::string server_of(const Session& session) {
    return session.operands().empty() ? hub_index : credentials_key(session.operands()[0]);
}

Result<RegistryCredentials> ask_credentials(Session& session, const std::string& key) {
    const Flags& flags = session.flags();
    RegistryCredentials out{
        .username = flags.text("username"), .password = flags.text("password"), .identity_token = {}};
    if (flags.on("password-stdin")) {
        if (!out.password.empty())
            return Error(ErrorKind::invalid_argument, "--password and --password-stdin are mutually exclusive");
        if (out.username.empty())
            return Error(ErrorKind::invalid_argument, "Must provide --username with --password-stdin");
        out.password = TRY(read_answer(true));
        return out;
    }
    if (out.password == "-") {
        out.password = TRY(read_answer(true));
    } else if (!out.password.empty()) {
        print_error("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    }
    // What is there already, if it still works.
    if (out.username.empty() && out.password.empty()) {
        out = TRY(load_credentials(session.globals().config_folder, key));
        if (!out.empty()) {
            print("Authenticating with existing credentials...\n");
            return out;
        }
    }
    if (!out.username.empty() && !out.password.empty()) return out;
    if (!sys::is_terminal(login_input))
        return Error(ErrorKind::invalid_argument, "Error: Cannot perform an interactive login from a non TTY device");
    if (out.username.empty()) {
        print("Username: ");
        out.username = TRY(read_answer(false));
        if (out.username.empty()) return Error(ErrorKind::invalid_argument, "Error: Non-null Username Required");
    }
    if (out.password.empty()) {
        print("Password: ");
        sys::NoEcho quiet(login_input);
        out.password = TRY(read_answer(false));
        print("\n");
        if (out.password.empty()) return Error(ErrorKind::invalid_argument, "Error: Password Required");
    }
    return out;
}

} // namespace

Result<int> log_in(Session& session) {
    const std::string key = server_of(session);
    RegistryCredentials credentials = TRY(ask_credentials(session, key));
    boost::json::object body{{"serveraddress", key}};
    if (!credentials.username.empty()) body["username"] = credentials.username;
    if (!credentials.password.empty()) body["password"] = credentials.password;
    if (!credentials.identity_token.empty()) body["identitytoken"] = credentials.identity_token;
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/auth", {}, boost::json::serialize(body)));
    Json answer = TRY(reply.json());
    if (std::string token = text(answer, "IdentityToken"); !token.empty()) {
        credentials.identity_token = token;
        credentials.password.clear();
    }
    const std::string& folder = session.globals().config_folder;
    if (TRY(store_credentials(folder, key, credentials)) == KeptIn::file)
        print_error("\nWARNING! Your credentials are stored unencrypted in '" + folder +
                    "/config.json'.\nConfigure a credential helper to remove this warning. See\n"
                    "https://docs.docker.com/go/credential-store/\n\n");
    const std::string status = text(answer, "Status");
    print((status.empty() ? "Login Succeeded" : status) + "\n");
    return 0;
}

Result<int> log_out(Session& session) {
    const std::string key = server_of(session), &folder = session.globals().config_folder;
    const std::string shown = session.operands().empty() ? hub_index : key;
    if (!TRY(has_credentials(folder, key))) {
        print("Not logged in to " + shown + "\n");
        return 0;
    }
    print("Removing login credentials for " + shown + "\n");
    TRY(erase_credentials(folder, key));
    return 0;
}

} // namespace hull::cli
