#include "apps/hull/client/reach.h"

#include <cstdlib>

#include <unistd.h>

#include "apps/hull/client/context_store.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value && *value;
}

// hull-tls as installed, or as built beside hull.
Result<std::string> tls_program() {
    auto self = TRY(sys::readlink("/proc/self/exe"));
    const std::string folder = self.substr(0, self.rfind('/'));
    for (const char* place : {"/../libexec/hull/hull-tls", "/../lib/hull/hull-tls", "/../hull-tls/hull-tls"})
        if (::access((folder + place).c_str(), X_OK) == 0) return folder + place;
    return Error(ErrorKind::not_found,
                 "TLS needs the program hull-tls, which is not installed beside hull (" + folder + "/../libexec/hull)");
}

struct TlsChoice {
    bool on = false, verify = false;
    std::string authority, certificate, key;
};

// A file that was named must be there; one of the folder only when asked for.
void take_from(const std::string& folder, TlsChoice& choice, bool verify) {
    auto there = [&](std::string& path, const char* name) {
        if (path.empty() && sys::exists(folder + "/" + name)) path = folder + "/" + name;
    };
    if (verify && choice.authority.empty()) choice.authority = folder + "/ca.pem";
    there(choice.certificate, "cert.pem");
    there(choice.key, "key.pem");
}

TlsChoice choose(const TlsFlags& flags, const std::string& config_folder) {
    TlsChoice choice;
    choice.verify = flags.verify_given ? flags.verify : is_set("DOCKER_TLS_VERIFY");
    choice.on = flags.tls || choice.verify || flags.verify_given || is_set("DOCKER_TLS");
    if (!choice.on) return choice;
    choice.authority = flags.authority;
    choice.certificate = flags.certificate;
    choice.key = flags.key;
    take_from(is_set("DOCKER_CERT_PATH") ? std::getenv("DOCKER_CERT_PATH") : config_folder, choice, choice.verify);
    return choice;
}

Result<TlsChoice> choose_of_context(const std::string& name, const std::string& config_folder) {
    const std::string folder = config_folder + "/contexts/tls/" + context_hash(name) + "/docker";
    const ContextEntry context = TRY(find_context(config_folder, name));
    TlsChoice choice;
    const bool authority = sys::exists(folder + "/ca.pem");
    choice.on = authority || sys::exists(folder + "/cert.pem") || context.skip_verify;
    choice.verify = !context.skip_verify;
    if (choice.on) take_from(folder, choice, choice.verify && authority);
    return choice;
}

} // namespace

Result<http::Endpoint> reach_engine(const EngineAddress& address, const TlsFlags& flags,
                                    const std::string& config_folder) {
    const bool context = address.context_name != "default";
    const TlsChoice tls =
        context ? TRY(choose_of_context(address.context_name, config_folder)) : choose(flags, config_folder);
    http::Endpoint endpoint =
        TRY(http::Endpoint::parse(address.is_default && tls.on ? "tcp://localhost:2376" : address.host));
    if (!tls.on || endpoint.kind != http::Endpoint::Kind::tcp) return endpoint;
    // Said without a port, TLS has one of its own.
    std::string_view authority = std::string_view(endpoint.text).substr(endpoint.text.find("://") + 3);
    authority = authority.substr(0, authority.find('/'));
    const size_t colon = authority.rfind(':');
    if (colon == authority.npos || authority.find(']', colon) != authority.npos) endpoint.port = "2376";
    if (tls.certificate.empty() != tls.key.empty())
        return Error(ErrorKind::invalid_argument, tls.key.empty()
                                                      ? "TLS: a certificate without its key: " + tls.certificate
                                                      : "TLS: a key without its certificate: " + tls.key);
    endpoint.program = {TRY(tls_program()), endpoint.host,   endpoint.port, tls.verify ? "verify" : "any",
                        tls.authority,      tls.certificate, tls.key};
    const bool v6 = endpoint.host.find(':') != std::string::npos;
    endpoint.host = (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + endpoint.port;
    endpoint.kind = http::Endpoint::Kind::program;
    return endpoint;
}

} // namespace hull::cli
