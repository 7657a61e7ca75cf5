#include "apps/hull/client/credentials.h"

#include <sys/wait.h>

#include <boost/json.hpp>

#include "apps/hull/client/json_access.h"
#include "apps/hull/client/settings_file.h"
#include "codec/base64.h"
#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/sleep.h"

namespace hull::cli {

namespace {

constexpr size_t max_helper_answer = size_t{1} << 20;

// The helper for a key; empty: config.json itself.
std::string helper_of(const Json& config, const std::string& key) {
    if (const Json* one = object(config, "credHelpers").if_contains(key); one && one->is_string())
        return std::string(one->get_string());
    // Keys may have a scheme, the list of helpers hasn't.
    const size_t scheme = key.find("://");
    std::string host = scheme == key.npos ? key : key.substr(scheme + 3);
    host = host.substr(0, host.find('/'));
    if (const Json* one = object(config, "credHelpers").if_contains(host); one && one->is_string())
        return std::string(one->get_string());
    return text(config, "credsStore");
}

// Its standard output. Errors: what it printed, when it failed.
Result<std::string> run_helper(const std::string& name, const char* action, const std::string& input) {
    if (name.empty() || name.find('/') != name.npos)
        return Error(ErrorKind::invalid_argument, "config.json: \"" + name + "\" is no name of a credential helper");
    const std::string program = "docker-credential-" + name;
    auto to = TRY(sys::make_pipe());
    auto from = TRY(sys::make_pipe());
    sys::ProgramRequest request;
    request.args = {program, action};
    request.input = to.first;
    request.output = from.second;
    pid_t child = TRY(sys::start_program(request).context("error getting credentials"));
    to.first.reset();
    from.second.reset();
    // Less than a pipe holds, so that neither side waits for the other.
    auto written = sys::write_all(to.second, input);
    to.second.reset();
    std::string answer;
    char piece[4096];
    while (answer.size() < max_helper_answer) {
        size_t n = TRY(sys::read(from.first, piece));
        if (n == 0) break;
        answer.append(piece, n);
    }
    std::optional<int> status;
    for (sys::Backoff backoff(10'000); !(status = TRY(sys::poll_exit(child))) && backoff.wait();) {}
    while (answer.ends_with('\n') || answer.ends_with('\r')) answer.pop_back();
    const bool fine = status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
    if (!fine) return Error(ErrorKind::internal, program + " " + action + ": " + answer);
    if (!written.ok()) return std::move(written).error();
    return answer;
}

RegistryCredentials of_entry(const Json& entry) {
    RegistryCredentials out;
    out.username = text(entry, "username");
    out.password = text(entry, "password");
    out.identity_token = text(entry, "identitytoken");
    if (std::string packed = text(entry, "auth"); !packed.empty()) {
        auto plain = base64_decode(packed);
        const size_t colon = plain ? plain->find(':') : std::string::npos;
        if (colon != std::string::npos) {
            out.username = plain->substr(0, colon);
            out.password = plain->substr(colon + 1);
            while (out.password.ends_with('\0')) out.password.pop_back();
        }
    }
    return out;
}

// Entries of other spellings of the same server count, too.
const Json* find_entry(const Json& config, const std::string& key) {
    const auto& auths = object(config, "auths");
    if (const Json* exact = auths.if_contains(key)) return exact;
    for (const auto& entry : auths)
        if (credentials_key(std::string_view(entry.key().data(), entry.key().size())) == key) return &entry.value();
    return nullptr;
}

} // namespace

std::string credentials_key(std::string_view server) {
    std::string host(server);
    if (const size_t scheme = host.find("://"); scheme != host.npos) host.erase(0, scheme + 3);
    host = host.substr(0, host.find('/'));
    if (host.empty() || host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io")
        return hub_index;
    return host;
}

Result<RegistryCredentials> load_credentials(const std::string& config_folder, const std::string& key) {
    const Json config = TRY(read_settings(config_folder));
    RegistryCredentials out;
    if (const std::string helper = helper_of(config, key); !helper.empty()) {
        auto answer = run_helper(helper, "get", key);
        if (!answer.ok()) {
            if (answer.error().message().find("credentials not found") != std::string::npos) return out;
            return std::move(answer).error();
        }
        const Json given = TRY(read_json(*answer, "the answer of docker-credential-" + helper));
        out.username = text(given, "Username");
        (out.username == "<token>" ? out.identity_token : out.password) = text(given, "Secret");
        if (!out.identity_token.empty()) out.username.clear();
        return out;
    }
    if (const Json* entry = find_entry(config, key)) out = of_entry(*entry);
    return out;
}

Result<bool> has_credentials(const std::string& config_folder, const std::string& key) {
    const Json config = TRY(read_settings(config_folder));
    if (find_entry(config, key)) return true;
    return !TRY(load_credentials(config_folder, key)).empty();
}

Result<KeptIn> store_credentials(const std::string& config_folder, const std::string& key,
                                 const RegistryCredentials& credentials) {
    const Json config = TRY(read_settings(config_folder));
    const std::string helper = helper_of(config, key);
    boost::json::object entry;
    if (!helper.empty()) {
        const bool token = !credentials.identity_token.empty();
        Json request{{"ServerURL", key},
                     {"Username", token ? "<token>" : credentials.username},
                     {"Secret", token ? credentials.identity_token : credentials.password}};
        TRY(run_helper(helper, "store", boost::json::serialize(request)).context("Error saving credentials"));
    } else {
        // With a token the password is of no more use.
        const std::string password = credentials.identity_token.empty() ? credentials.password : "";
        entry["auth"] = base64_encode(credentials.username + ":" + password);
        if (!credentials.identity_token.empty()) entry["identitytoken"] = credentials.identity_token;
    }
    TRY(change_settings(config_folder, [&](boost::json::object& settings) {
        Json& auths = settings["auths"];
        if (!auths.is_object()) auths = boost::json::object();
        auths.as_object()[key] = entry;
    }));
    return helper.empty() ? KeptIn::file : KeptIn::helper;
}

Result<void> erase_credentials(const std::string& config_folder, const std::string& key) {
    const Json config = TRY(read_settings(config_folder));
    if (const std::string helper = helper_of(config, key); !helper.empty()) TRY(run_helper(helper, "erase", key));
    return change_settings(config_folder, [&](boost::json::object& settings) {
        Json* auths = settings.if_contains("auths");
        if (!auths || !auths->is_object()) return;
        auto& entries = auths->as_object();
        for (auto at = entries.begin(); at != entries.end();) {
            if (credentials_key(std::string_view(at->key().data(), at->key().size())) == key)
                at = entries.erase(at);
            else
                ++at;
        }
    });
}

std::string registry_auth(const RegistryCredentials& credentials, const std::string& key) {
    boost::json::object object;
    if (!credentials.username.empty()) object["username"] = credentials.username;
    if (!credentials.password.empty()) object["password"] = credentials.password;
    if (!credentials.identity_token.empty()) object["identitytoken"] = credentials.identity_token;
    if (!object.empty()) object["serveraddress"] = key;
    return base64url_encode(boost::json::serialize(object));
}

Result<std::string> registry_config(const std::string& config_folder) {
    const Json config = TRY(read_settings(config_folder));
    boost::json::object all;
    auto add = [&](const std::string& key) -> Result<void> {
        RegistryCredentials one = TRY(load_credentials(config_folder, key));
        if (!one.empty())
            all[key] = Json{{"username", one.username},
                            {"password", one.password},
                            {"identitytoken", one.identity_token},
                            {"serveraddress", key}};
        return {};
    };
    for (const auto& entry : object(config, "auths"))
        TRY(add(credentials_key(std::string_view(entry.key().data(), entry.key().size()))));
    for (const auto& entry : object(config, "credHelpers"))
        TRY(add(credentials_key(std::string_view(entry.key().data(), entry.key().size()))));
    return base64url_encode(boost::json::serialize(all));
}

} // namespace hull::cli
