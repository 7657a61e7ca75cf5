#include "apps/hull/cli/session.h"

#include <boost/json.hpp>

#include "apps/hull/client/autostart.h"
#include "sys/file.h"

namespace hull::cli {

void print(std::string_view text) {
    if (!sys::write_all(BorrowedFd(1), text).ok()) std::exit(1);
}

void print_error(std::string_view text) { (void)sys::write_all(BorrowedFd(2), text).ok(); }

Result<EngineAddress> Session::address() const {
    return find_engine(globals_.host, globals_.context, globals_.config_folder);
}

Result<const ConfigFile*> Session::config() {
    if (!config_) config_ = TRY(ConfigFile::load(globals_.config_folder));
    return &*config_;
}

Result<Engine*> Session::engine() {
    if (engine_) return engine_.get();
    EngineAddress address = TRY(this->address());
    http::Endpoint endpoint = TRY(reach_engine(address, globals_.tls, globals_.config_folder));
    http::Headers headers;
    for (const auto& [name, value] : TRY(config())->http_headers) headers.add(name, value);
    Engine::Starter starter;
    if (address.is_default && endpoint.kind == http::Endpoint::Kind::unix_socket) starter = start_engine;
    engine_ = std::make_unique<Engine>(std::move(endpoint), std::move(headers), std::move(starter));
    return engine_.get();
}

Result<int> for_each_operand(Session& session, const std::function<Result<void>(Engine&, const std::string&)>& one,
                             bool print_names) {
    Engine& engine = *TRY(session.engine());
    int code = 0;
    for (const std::string& name : session.operands()) {
        auto done = one(engine, name);
        if (!done.ok()) {
            print_error(done.error().message() + "\n");
            code = 1;
            if (done.error().kind() == ErrorKind::unavailable) return code; // the next would fail alike
        } else if (print_names) {
            print(name + "\n");
        }
    }
    return code;
}

Result<std::string> filters_json(const std::vector<std::string>& filters) {
    if (filters.empty()) return std::string();
    boost::json::object out;
    for (const std::string& filter : filters) {
        size_t equals = filter.find('=');
        if (equals == filter.npos)
            return Error(ErrorKind::invalid_argument,
                         "invalid argument \"" + filter +
                             "\" for \"-f, --filter\" flag: bad format of filter (expected name=value)");
        std::string name = filter.substr(0, equals);
        name.erase(0, name.find_first_not_of(' '));
        name.erase(name.find_last_not_of(' ') + 1);
        boost::json::value& values = out[name];
        if (!values.is_object()) values = boost::json::object();
        std::string value = filter.substr(equals + 1);
        value.erase(0, value.find_first_not_of(' '));
        values.get_object()[value] = true;
    }
    return boost::json::serialize(out);
}

} // namespace hull::cli
