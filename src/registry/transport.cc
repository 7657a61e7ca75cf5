#include "registry/transport.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <openssl/ssl.h>

namespace hull::registry {

namespace {

constexpr int max_redirects = 10;
constexpr size_t max_header_bytes = size_t{256} << 10, max_idle_handles = 16;
constexpr long connect_timeout_s = 30, stalled_after_s = 60; // not a byte for so long: give up

struct CurlUrl {
    CURLU* url = curl_url();
    CurlUrl() = default;
    CurlUrl(const CurlUrl&) = delete;
    CurlUrl& operator=(const CurlUrl&) = delete;
    ~CurlUrl() { curl_url_cleanup(url); }
    std::string get(CURLUPart part, unsigned flags = 0) const {
        char* text = nullptr;
        if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
        std::string out(text);
        curl_free(text);
        return out;
    }
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// "Get", as Go's messages begin.
std::string title_case(std::string_view method) {
    std::string out = lower(std::string(method));
    if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out;
}

bool is_loopback_host(const std::string& host) {
    return host == "localhost" || host.starts_with("127.") || host == "[::1]" || host == "::1";
}

// What the callbacks of one transfer share.
struct Transfer {
    const Request& request;
    const std::stop_token& stop;
    CURL* handle;
    Answer answer;
    ByteSink* sink = nullptr;
    bool began = false; // the body
    size_t header_bytes = 0;
    std::optional<Error> failed; // of a sink, a source, or a limit
};

bool is_success(int status) { return status >= 200 && status < 300; }

size_t take_header(char* data, size_t size, size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    std::string_view line(data, size * count);
    transfer.header_bytes += line.size();
    if (transfer.header_bytes > max_header_bytes) {
        transfer.failed = Error(ErrorKind::too_large, "the answer's header is too long");
        return 0;
    }
    if (line.starts_with("HTTP/")) { // of a proxy, an interim answer, or the real one
        transfer.answer.headers = {};
        return line.size();
    }
    size_t colon = line.find(':');
    if (colon != line.npos)
        transfer.answer.headers.add(
            std::string(line.substr(0, colon)),
            std::string(http::trim(line.substr(colon + 1, line.find_last_not_of("\r\n") - colon))));
    return line.size();
}

Result<void> take_piece(Transfer& transfer, std::string_view piece) {
    if (!transfer.began) {
        transfer.began = true;
        long status = 0;
        curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
        transfer.answer.status = static_cast<int>(status);
        if (transfer.request.sink && is_success(transfer.answer.status))
            transfer.sink = TRY(transfer.request.sink(transfer.answer));
    }
    if (transfer.sink) return transfer.sink->write(piece);
    if (transfer.answer.body.size() + piece.size() > transfer.request.body_limit)
        return Error(ErrorKind::too_large,
                     "the answer is larger than the " + std::to_string(transfer.request.body_limit) + " bytes allowed");
    transfer.answer.body += piece;
    return {};
}

size_t take_body(char* data, size_t size, size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.stop.stop_requested()) return CURL_WRITEFUNC_ERROR;
    auto taken = take_piece(transfer, {data, size * count});
    if (taken.ok()) return size * count;
    transfer.failed = std::move(taken).error();
    return CURL_WRITEFUNC_ERROR;
}

size_t give_body(char* into, size_t size, size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.stop.stop_requested()) return CURL_READFUNC_ABORT;
    auto n = transfer.request.upload->read({into, size * count});
    if (n.ok()) return *n;
    transfer.failed = std::move(n).error();
    return CURL_READFUNC_ABORT;
}

int look_for_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(user)->stop.stop_requested() ? 1 : 0;
}

// Own authorities come on top of the system's.
CURLcode add_authorities(CURL*, void* context, void* user) {
    const auto& certificates = *static_cast<Certificates*>(user);
    for (const std::string& path : certificates.authorities)
        if (SSL_CTX_load_verify_locations(static_cast<SSL_CTX*>(context), path.c_str(), nullptr) != 1)
            return CURLE_SSL_CACERT_BADFILE;
    return CURLE_OK;
}

bool never_connected(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return true;
    default: return false;
    }
}

// In Go's words, which clients and their users look for, where curl has others.
std::string words_of(CURLcode code, long number, const std::string& host, const std::string& port, const char* detail) {
    std::string own = *detail ? detail : curl_easy_strerror(code);
    if (code == CURLE_COULDNT_RESOLVE_HOST) return "dial tcp: lookup " + host + ": no such host";
    if (code == CURLE_COULDNT_CONNECT && number == ECONNREFUSED)
        return "dial tcp " + host + ":" + port + ": connect: connection refused";
    if (code == CURLE_COULDNT_CONNECT && number == EHOSTUNREACH)
        return "dial tcp " + host + ":" + port + ": connect: no route to host";
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority or for another name "
               "(" +
               own + ")";
    if (code == CURLE_OPERATION_TIMEDOUT) return own + ": i/o timeout";
    return own;
}

class HeaderList {
public:
    HeaderList() = default;
    HeaderList(const HeaderList&) = delete;
    HeaderList& operator=(const HeaderList&) = delete;
    ~HeaderList() { curl_slist_free_all(list_); }
    void add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
    curl_slist* get() const { return list_; }

private:
    curl_slist* list_ = nullptr;
};

} // namespace

// Idle handles, each with the connections it keeps.
struct Transport::Handles {
    std::mutex mutex;
    std::vector<CURL*> idle;

    CURL* take() {
        std::lock_guard held(mutex);
        if (idle.empty()) return curl_easy_init();
        CURL* handle = idle.back();
        idle.pop_back();
        return handle;
    }
    void give_back(CURL* handle) {
        curl_easy_reset(handle);
        std::unique_lock held(mutex);
        if (idle.size() < max_idle_handles) {
            idle.push_back(handle);
            return;
        }
        held.unlock();
        curl_easy_cleanup(handle);
    }
};

Transport::Transport(const Config& config) : config_(config), handles_(std::make_unique<Handles>()) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Transport::~Transport() {
    for (CURL* handle : handles_->idle) curl_easy_cleanup(handle);
}

std::string origin_of(const std::string& url) {
    CurlUrl parsed;
    if (curl_url_set(parsed.url, CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
    std::string scheme = lower(parsed.get(CURLUPART_SCHEME)), host = lower(parsed.get(CURLUPART_HOST));
    if (host.empty()) return {};
    return scheme + "://" + host + ":" + parsed.get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string absolute_url(const std::string& url, const std::string& location) {
    CurlUrl parsed;
    if (curl_url_set(parsed.url, CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
    if (curl_url_set(parsed.url, CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) return {};
    std::string out = parsed.get(CURLUPART_URL);
    if (!out.starts_with("http://") && !out.starts_with("https://")) return {};
    return out;
}

bool connect_failed(const Error& error) { return error.kind() == ErrorKind::unavailable && error.code() == 0; }

Result<Answer> Transport::perform(Request request, const std::stop_token& stop) {
    const std::string_view method = request.method;
    const std::string first = request.url;
    for (int redirects = 0;; ++redirects) {
        Answer answer = TRY(perform_once(request, stop));
        const bool redirect = answer.status == 301 || answer.status == 302 || answer.status == 303 ||
                              answer.status == 307 || answer.status == 308;
        if (!redirect || (method != "GET" && method != "HEAD")) return answer;
        std::string location(answer.headers.get("Location"));
        std::string next = absolute_url(request.url, location);
        auto refused = [&](const std::string& why) {
            return Error(ErrorKind::forbidden, title_case(method) + " \"" + first + "\": " + why);
        };
        if (location.empty() || next.empty()) return refused("the redirect leads nowhere: \"" + location + "\"");
        if (redirects == max_redirects) return refused("stopped after 10 redirects");
        if (origin_of(next) != origin_of(request.url)) {
            if (request.url.starts_with("https://") && next.starts_with("http://"))
                return refused("the registry redirects from HTTPS to plain HTTP (" + origin_of(next) + ")");
            http::Headers kept;
            for (const http::Header& header : request.headers)
                if (!http::equal_without_case(header.name, "Authorization") &&
                    !http::equal_without_case(header.name, "Cookie"))
                    kept.add(header.name, header.value);
            request.headers = std::move(kept);
            // An exception for one host says nothing about another.
            CurlUrl parsed;
            curl_url_set(parsed.url, CURLUPART_URL, next.c_str(), 0);
            std::string host = parsed.get(CURLUPART_HOST), port = parsed.get(CURLUPART_PORT);
            request.verified = !is_insecure(config_, port.empty() ? host : host + ":" + port);
        }
        request.url = std::move(next);
    }
}

Result<Answer> Transport::perform_once(const Request& request, const std::stop_token& stop) {
    auto what = [&](std::string_view why) {
        return title_case(request.method) + " \"" + request.url + "\": " + std::string(why);
    };
    if (stop.stop_requested()) return Error(ErrorKind::cancelled, what("context canceled"));
    CurlUrl parsed;
    if (curl_url_set(parsed.url, CURLUPART_URL, request.url.c_str(), 0) != CURLUE_OK) return invalid(what("not a URL"));
    std::string host = parsed.get(CURLUPART_HOST), port = parsed.get(CURLUPART_PORT);
    Certificates certificates = TRY(certificates_of(config_, port.empty() ? host : host + ":" + port));

    CURL* handle = handles_->take();
    if (!handle) return Error(ErrorKind::internal, "libcurl gives no handle");
    Transfer transfer{request, stop, handle, {}, nullptr, false, 0, {}};
    char why[CURL_ERROR_SIZE] = "";
    HeaderList headers;
    headers.add("Expect:");
    if (request.upload && !request.upload_size) headers.add("Transfer-Encoding: chunked");
    for (const http::Header& header : request.headers) headers.add(header.name + ": " + header.value);

    auto set = [&](CURLoption option, auto value) { (void)curl_easy_setopt(handle, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, why);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, config_.user_agent.c_str());
    set(CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, stalled_after_s);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_BUFFERSIZE, 512L << 10);
    set(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, look_for_stop);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));

    const bool https = request.url.starts_with("https://");
    const std::string& proxy = https ? config_.https_proxy : config_.http_proxy;
    set(CURLOPT_PROXY, is_loopback_host(host) ? "" : proxy.c_str()); // "": not the environment's either
    set(CURLOPT_NOPROXY, config_.no_proxy.c_str());
    if (https) {
        set(CURLOPT_SSL_VERIFYPEER, request.verified ? 1L : 0L);
        set(CURLOPT_SSL_VERIFYHOST, request.verified ? 2L : 0L);
        if (!certificates.authorities.empty()) {
            set(CURLOPT_SSL_CTX_FUNCTION, add_authorities);
            set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(&certificates));
        }
        if (certificates.client) {
            set(CURLOPT_SSLCERT, certificates.client->certificate.c_str());
            set(CURLOPT_SSLKEY, certificates.client->key.c_str());
        }
    }

    const std::string_view method = request.method;
    if (method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.upload) {
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_CUSTOMREQUEST, request.method);
        set(CURLOPT_READFUNCTION, give_body);
        set(CURLOPT_READDATA, static_cast<void*>(&transfer));
        if (request.upload_size) set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*request.upload_size));
    } else if (method != "GET") {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_CUSTOMREQUEST, request.method);
        set(CURLOPT_POSTFIELDS, request.body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }

    CURLcode code = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    long number = 0;
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
    handles_->give_back(handle);
    transfer.answer.status = static_cast<int>(status);
    transfer.answer.url = request.url;
    if (transfer.failed) return std::move(*transfer.failed);
    if (stop.stop_requested()) return Error(ErrorKind::cancelled, what("context canceled"));
    if (code != CURLE_OK) {
        Error error(ErrorKind::unavailable,
                    what(words_of(code, number, host, parsed.get(CURLUPART_PORT, CURLU_DEFAULT_PORT), why)));
        if (never_connected(code)) return error;
        return std::move(error).with_code(static_cast<int>(code));
    }
    return std::move(transfer.answer);
}

} // namespace hull::registry
