#include "http/tls/context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http/message.h"

namespace hull::http {

namespace {

std::string openssl_reason() {
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "unknown reason";
}

Error failed(const std::string& what, const std::string& path) {
    return {ErrorKind::invalid_argument, what + " " + path + ": " + openssl_reason()};
}

bool is_address(const std::string& host) {
    in6_addr buffer{};
    return inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

} // namespace

std::string_view host_of_authority(std::string_view authority) {
    if (authority.starts_with('[')) {
        size_t close = authority.find(']');
        return close == authority.npos ? authority : authority.substr(1, close - 1);
    }
    size_t colon = authority.find(':');
    // More than one: an address of IPv6 without brackets.
    if (colon != authority.npos && authority.find(':', colon + 1) != authority.npos) return authority;
    return authority.substr(0, colon);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
    ERR_clear_error();
    SSL_CTX* native = SSL_CTX_new(TLS_server_method());
    if (!native) return Error(ErrorKind::internal, "set up TLS: " + openssl_reason());
    std::shared_ptr<const TlsContext> context(new TlsContext(native));
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    // A resumed session would skip the look at the client's certificate.
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                    SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(native,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) != 1)
        return failed("read the certificate", files.certificate);
    if (SSL_CTX_use_PrivateKey_file(native, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return failed("read the key", files.key);
    if (SSL_CTX_check_private_key(native) != 1) return failed("the key is not the certificate's:", files.key);
    if (SSL_CTX_load_verify_locations(native, files.client_authority.c_str(), nullptr) != 1)
        return failed("read the authority of clients", files.client_authority);
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_authority.c_str());
    if (!names) return failed("read the authority of clients", files.client_authority);
    SSL_CTX_set_client_CA_list(native, names); // takes it
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(native_); }

bool TlsContext::is_own_name(std::string_view authority) const {
    std::string host(host_of_authority(authority));
    if (host.empty() || host.size() > 255) return false;
    if (equal_without_case(host, "localhost") || is_address(host)) return true;
    X509* certificate = SSL_CTX_get0_certificate(native_);
    return certificate && X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

} // namespace hull::http
