#include "apps/hulld/listeners.h"

#include <utility>

#include "apps/hulld/process_metrics.h"
#include "apps/hulld/state_folders.h"
#include "base/log.h"
#include "http/tls/front.h"
#include "http/uri.h"
#include "sys/file.h"
#include "sys/tcp.h"

namespace hull {

namespace {

Result<gid_t> socket_group(const Options& options) {
    if (options.group && options.group->empty()) return gid_t{0};
    if (options.group) {
        if (auto group = find_group(*options.group)) return *group;
        return Error(ErrorKind::not_found, "group " + *options.group + " not found");
    }
    for (const char* name : {"hull", "docker"})
        if (auto group = find_group(name)) return *group;
    return gid_t{0};
}

void refuse_stranger(http::Exchange& exchange, const char* header) {
    exchange.respond({403,
                      {{"Content-Type", "application/json"}},
                      std::string("{\"message\":\"the ") + header +
                          " header names another server: use a name that is in the engine's certificate\"}\n"});
}

// A page in somebody's browser may send requests with the browser's certificate:
// from its own origin, or to its own name, which it makes resolve to us.
bool is_invited(http::Exchange& exchange, const http::TlsContext& context) {
    const http::Headers& headers = exchange.request().headers;
    std::string_view host = headers.get("Host");
    if (!context.is_own_name(host)) {
        refuse_stranger(exchange, "Host");
        return false;
    }
    std::string_view origin = headers.get("Origin");
    size_t scheme = origin.find("://");
    if (headers.has("Origin") &&
        (scheme == origin.npos || !http::equal_without_case(origin.substr(scheme + 3), host))) {
        refuse_stranger(exchange, "Origin");
        return false;
    }
    return true;
}

void answer_metrics(http::Exchange& exchange, const std::function<std::string()>& metrics) {
    auto target = http::parse_target(exchange.request().target);
    if (exchange.request().method != http::Method::get || !target.ok() || target->path != "/metrics")
        return exchange.respond({404, {{"Content-Type", "text/plain; charset=utf-8"}}, "404 page not found\n"});
    exchange.respond(
        {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics() + process_metrics()});
}

class ListenersImplementation final : public Listeners {
public:
    ~ListenersImplementation() override { stop(0); }

    Result<void> bind(const Options& options, std::vector<UniqueFd> activation, StateFolder& exec_root) {
        gid_t group = TRY(socket_group(options));
        for (const Host& host : options.hosts) TRY(bind(host, group, activation, exec_root));
        if (!network_.empty() && !options.tls)
            return Error(ErrorKind::invalid_argument,
                         "a socket of the service manager is on TCP, which needs --tlsverify and its files");
        if (options.metrics)
            metrics_ = TRY(sys::listen_tcp(options.metrics->name, options.metrics->port).context("serve metrics"));
        return {};
    }

    Result<void> serve(const Options& options, http::Handler handler, std::function<std::string()> metrics) {
        std::shared_ptr<const http::TlsContext> context;
        if (options.tls) context = TRY(http::TlsContext::load(*options.tls));
        server_ = TRY(http::Server::start(std::move(local_), [this, handler](http::Exchange& exchange) {
            if (!exchange.request().from_network || is_invited(exchange, *front_->context())) handler(exchange);
        }));
        if (!network_.empty())
            front_ = TRY(http::TlsFront::start(std::move(network_), std::move(context), [this](UniqueFd socket) {
                server_->adopt(std::move(socket), http::Server::Arrival::network);
            }));
        if (!metrics_.empty())
            metrics_server_ = TRY(http::Server::start(
                std::move(metrics_), [metrics](http::Exchange& exchange) { answer_metrics(exchange, metrics); },
                {.spare_threads = 1, .max_threads = 8}));
        return {};
    }

    Result<void> reload(const Options& options) override {
        if (!front_ || !options.tls) return {};
        front_->replace(TRY(http::TlsContext::load(*options.tls)));
        return {};
    }

    void drain(int64_t window_ns) override {
        if (server_) server_->drain(window_ns);
    }

    void stop(int64_t grace_ns) override {
        for (const std::string& path : std::exchange(socket_paths_, {}))
            if (auto removed = sys::unlink(path); !removed.ok()) log::warning("remove the socket", removed.error());
        if (server_) server_->stop(grace_ns);
        // After the server, whose last answers its relays carry.
        if (front_) front_->stop();
        if (metrics_server_) metrics_server_->stop(0);
    }

private:
    Result<void> bind(const Host& host, gid_t group, std::vector<UniqueFd>& activation, StateFolder& exec_root) {
        if (host.kind == Host::Kind::activation) {
            if (activation.empty())
                return Error(ErrorKind::invalid_argument,
                             "no sockets found via socket activation: make sure the service was started by systemd");
            for (UniqueFd& socket : std::exchange(activation, {}))
                (sys::is_network_socket(socket) ? network_ : local_).push_back(std::move(socket));
            // The unit of the service manager may have put it there.
            return local_.empty() ? Result<void>() : exec_root.let_pass(group);
        }
        if (host.kind == Host::Kind::tcp) {
            auto sockets = TRY(sys::listen_tcp(host.name, host.port).context("listen on " + host.text()));
            for (UniqueFd& socket : sockets) network_.push_back(std::move(socket));
            return {};
        }
        local_.push_back(TRY(listen_for_group(host.path, group).context("listen on " + host.text())));
        socket_paths_.push_back(host.path);
        if (host.path.substr(0, host.path.rfind('/')) == exec_root.path()) return exec_root.let_pass(group);
        return {};
    }

    std::vector<UniqueFd> local_, network_, metrics_; // until they are served
    std::vector<std::string> socket_paths_;           // made here, not given by a service manager
    std::unique_ptr<http::Server> server_;
    std::unique_ptr<http::TlsFront> front_;
    std::unique_ptr<http::Server> metrics_server_;
};

} // namespace

Result<std::unique_ptr<Listeners>> Listeners::open(const Options& options, std::vector<UniqueFd> activation,
                                                   StateFolder& exec_root, http::Handler handler,
                                                   std::function<std::string()> metrics) {
    auto listeners = std::make_unique<ListenersImplementation>();
    TRY(listeners->bind(options, std::move(activation), exec_root));
    TRY(listeners->serve(options, std::move(handler), std::move(metrics)));
    return std::unique_ptr<Listeners>(std::move(listeners));
}

} // namespace hull
