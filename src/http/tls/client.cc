#include "http/tls/client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace hull::http {

namespace {

Error client_failed(const std::string& what) {
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    return {ErrorKind::invalid_argument, what + ": " + (reason ? reason : "unknown reason")};
}

Result<void> prepare(SSL_CTX* context, const TlsClient& client) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!client.certificate.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context, client.certificate.c_str()) != 1)
            return client_failed("read the certificate " + client.certificate);
        if (SSL_CTX_use_PrivateKey_file(context, client.key.c_str(), SSL_FILETYPE_PEM) != 1)
            return client_failed("read the key " + client.key);
        if (SSL_CTX_check_private_key(context) != 1)
            return client_failed("the key " + client.key + " is not the certificate's");
    }
    if (!client.verify) return {};
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (client.authority.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_locations(context, client.authority.c_str(), nullptr) != 1) {
        return client_failed("could not read CA certificate \"" + client.authority + "\"");
    }
    return {};
}

} // namespace

Result<std::unique_ptr<TlsRelay>> greet_tls_server(UniqueFd socket, const TlsClient& client, int64_t deadline_ns) {
    ERR_clear_error();
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!context) return client_failed("set up TLS");
    TRY(prepare(context.get(), client));
    SSL* ssl = SSL_new(context.get()); // keeps the context
    if (!ssl) return client_failed("set up TLS");
    in6_addr address{};
    const bool numeric = inet_pton(AF_INET, client.host.c_str(), &address) == 1 ||
                         inet_pton(AF_INET6, client.host.c_str(), &address) == 1;
    if (numeric) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), client.host.c_str());
    } else {
        SSL_set1_host(ssl, client.host.c_str());
        SSL_set_tlsext_host_name(ssl, client.host.c_str());
    }
    return TlsRelay::greet(std::move(socket), ssl, deadline_ns);
}

} // namespace hull::http
