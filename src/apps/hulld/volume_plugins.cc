#include "apps/hulld/volume_plugins.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "codec/json.h"
#include "sys/file.h"
#include "sys/remote_socket.h"

namespace hull {
namespace {

constexpr const char* kPluginType = "application/vnd.docker.plugins.v1.2+json";
constexpr size_t kLongestPluginAnswer = size_t{16} << 20;
constexpr size_t kLongestPluginFile = size_t{64} << 10;

bool is_plugin_name(std::string_view name) {
    return !name.empty() && name[0] != '.' && name.find('/') == name.npos && name.find('\0') == name.npos;
}

bool is_plugin_socket(const std::string& path) {
    auto st = sys::stat(path);
    return st.ok() && S_ISSOCK(st->st_mode);
}

std::string plugin_text(const json::Object& object, const char* name) {
    const auto* value = object.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

engine::DriverVolume driver_volume(const json::Object& object) {
    engine::DriverVolume volume{.name = plugin_text(object, "Name"),
                                .mountpoint = plugin_text(object, "Mountpoint"),
                                .created = from_rfc3339(plugin_text(object, "CreatedAt")).value_or(WallTime{}),
                                .status = {}};
    const auto* status = object.if_contains("Status");
    if (status && status->is_object() && !status->get_object().empty()) volume.status = json::print(*status);
    return volume;
}

class VolumePlugins : public engine::VolumeDrivers {
public:
    VolumePlugins(std::vector<std::string> folders, PluginTimes times) : folders_(std::move(folders)), times_(times) {}

    std::vector<std::string> names() override {
        std::set<std::string> found;
        for (const std::string& folder : folders_) {
            auto entries = sys::list_dir(folder);
            if (!entries.ok()) continue;
            for (const std::string& entry : *entries) {
                const size_t dot = entry.rfind('.');
                const std::string ending = dot == entry.npos ? "" : entry.substr(dot);
                const std::string stem = entry.substr(0, dot);
                if (!is_plugin_name(entry)) continue;
                if (ending == ".spec" || ending == ".json" ||
                    (ending == ".sock" && is_plugin_socket(folder + "/" + entry)))
                    found.insert(stem);
                else if (is_plugin_socket(folder + "/" + entry + "/" + entry + ".sock"))
                    found.insert(entry);
            }
        }
        return {found.begin(), found.end()};
    }

    Result<std::string> scope(const std::string& driver) override {
        TRY(activate(driver));
        {
            std::lock_guard lock(mutex_);
            if (auto known = scopes_.find(driver); known != scopes_.end()) return known->second;
        }
        // Older plugins don't know the question; what they have is of this host.
        std::string scope = "local";
        if (auto answer = call(driver, "VolumeDriver.Capabilities", {}); answer.ok()) {
            const auto* capabilities = answer->if_contains("Capabilities");
            if (capabilities && capabilities->is_object() &&
                plugin_text(capabilities->get_object(), "Scope") == "global")
                scope = "global";
        }
        std::lock_guard lock(mutex_);
        return scopes_[driver] = scope;
    }

    Result<void> create(const std::string& driver, const std::string& volume,
                        const std::map<std::string, std::string>& options) override {
        json::Object body{{"Name", volume}, {"Opts", options.empty() ? json::Value(nullptr) : json::encode(options)}};
        TRY(call(driver, "VolumeDriver.Create", std::move(body)));
        return {};
    }

    Result<void> remove(const std::string& driver, const std::string& volume) override {
        TRY(call(driver, "VolumeDriver.Remove", {{"Name", volume}}));
        return {};
    }

    Result<std::string> mount(const std::string& driver, const std::string& volume, const std::string& user) override {
        json::Object answer = TRY(call(driver, "VolumeDriver.Mount", {{"Name", volume}, {"ID", user}}));
        std::string place = plugin_text(answer, "Mountpoint");
        if (!place.starts_with('/'))
            return Error(ErrorKind::system,
                         "plugin \"" + driver + "\" gave no absolute path as Mountpoint of " + volume);
        return place;
    }

    Result<void> unmount(const std::string& driver, const std::string& volume, const std::string& user) override {
        TRY(call(driver, "VolumeDriver.Unmount", {{"Name", volume}, {"ID", user}}));
        return {};
    }

    Result<engine::DriverVolume> get(const std::string& driver, const std::string& volume) override {
        json::Object answer = TRY(call(driver, "VolumeDriver.Get", {{"Name", volume}}));
        const auto* found = answer.if_contains("Volume");
        if (!found || !found->is_object() || plugin_text(found->get_object(), "Name").empty())
            return Error(ErrorKind::not_found, "no such volume");
        return driver_volume(found->get_object());
    }

    Result<std::vector<engine::DriverVolume>> list(const std::string& driver) override {
        json::Object answer = TRY(call(driver, "VolumeDriver.List", {}));
        std::vector<engine::DriverVolume> volumes;
        const auto* found = answer.if_contains("Volumes");
        if (found && found->is_array())
            for (const json::Value& one : found->get_array())
                if (one.is_object() && !plugin_text(one.get_object(), "Name").empty())
                    volumes.push_back(driver_volume(one.get_object()));
        return volumes;
    }

private:
    Result<http::Endpoint> find(const std::string& driver) const {
        if (is_plugin_name(driver)) {
            for (const std::string& folder : folders_) {
                for (const std::string& path :
                     {folder + "/" + driver + ".sock", folder + "/" + driver + "/" + driver + ".sock"})
                    if (is_plugin_socket(path)) return http::Endpoint::parse("unix://" + path);
                for (const char* ending : {".spec", ".json"}) {
                    const std::string path = folder + "/" + driver + ending;
                    auto text = sys::read_file(path, kLongestPluginFile);
                    if (!text.ok() && text.error().kind() == ErrorKind::not_found) continue;
                    return read_plugin_spec(TRY(std::move(text)), path);
                }
            }
        }
        return Error(ErrorKind::not_found, "plugin \"" + driver + "\" not found");
    }

    // One that is being started has its socket a little later.
    Result<http::ClientConnection> connect(const http::Endpoint& endpoint) const {
        const bool unix_socket = endpoint.kind == http::Endpoint::Kind::unix_socket;
        const int64_t end = monotonic_ns() + int64_t{times_.appear} * 1'000'000;
        for (int64_t pause = 50;; pause *= 2) {
            auto socket = unix_socket
                              ? sys::connect_remote(sys::Remote::unix_stream, endpoint.path, "", times_.answer)
                              : sys::connect_remote(sys::Remote::tcp, endpoint.host, endpoint.port, times_.answer);
            if (socket.ok()) return http::ClientConnection::over(std::move(*socket), "plugin.moby.localhost");
            if (monotonic_ns() + pause * 1'000'000 > end)
                return Error(ErrorKind::unavailable,
                             "unable to connect to " + endpoint.text + ": " + socket.error().message());
            std::this_thread::sleep_for(std::chrono::milliseconds(pause));
        }
    }

    // Once for each place: a plugin that was replaced is asked again.
    Result<void> activate(const std::string& driver) {
        http::Endpoint endpoint = TRY(find(driver));
        {
            std::lock_guard lock(mutex_);
            auto known = active_.find(driver);
            if (known != active_.end() && known->second == endpoint.text) return {};
            scopes_.erase(driver);
        }
        json::Object answer = TRY(ask(endpoint, "Plugin.Activate", {}));
        const auto* kinds = answer.if_contains("Implements");
        const bool good =
            kinds && kinds->is_array() && std::ranges::any_of(kinds->get_array(), [](const json::Value& one) {
                return one.is_string() && one.get_string() == "VolumeDriver";
            });
        if (!good)
            return Error(ErrorKind::not_found,
                         "plugin \"" + driver + "\" does not implement the \"VolumeDriver\" interface");
        std::lock_guard lock(mutex_);
        active_[driver] = endpoint.text;
        return {};
    }

    Result<json::Object> call(const std::string& driver, const std::string& method, json::Object body) {
        TRY(activate(driver));
        return ask(TRY(find(driver)), method, std::move(body));
    }

    Result<json::Object> ask(const http::Endpoint& endpoint, const std::string& method, json::Object body) const {
        auto connection = TRY(connect(endpoint));
        http::ClientRequest request{.method = http::Method::post, .target = "/" + method, .headers = {}, .body = {}};
        request.headers.add("Accept", kPluginType);
        request.headers.add("Content-Type", kPluginType);
        request.body = json::print(body);
        TRY(connection.send(request).context(method));
        auto head = connection.read_head();
        if (!head.ok())
            return Error(ErrorKind::timed_out,
                         method + ": no answer from " + endpoint.text + ": " + head.error().message());
        std::string text = TRY(connection.read_whole_body(kLongestPluginAnswer).context(method));
        auto value = json::parse(text);
        const bool object = value.ok() && value->is_object();
        const std::string said = object ? plugin_text(value->get_object(), "Err") : "";
        if (head->status != 200)
            return Error(ErrorKind::system, method + ": " + (said.empty() ? text.substr(0, 1024) : said));
        if (!said.empty()) return Error(ErrorKind::system, said);
        if (!object) return Error(ErrorKind::system, method + ": the plugin's answer is not a JSON object");
        return std::move(value->get_object());
    }

    const std::vector<std::string> folders_;
    const PluginTimes times_;
    std::mutex mutex_;
    std::map<std::string, std::string> active_, scopes_; // by name: where it was activated, what it said; under mutex_
};

} // namespace

Result<http::Endpoint> read_plugin_spec(std::string_view text, const std::string& file) {
    std::string address(text);
    if (file.ends_with(".json")) {
        json::Value value = TRY(json::parse(text).context(file));
        if (!value.is_object()) return Error(ErrorKind::invalid_argument, file + " is not a JSON object");
        const auto* tls = value.get_object().if_contains("TLSConfig");
        if (tls && tls->is_object() && !tls->get_object().empty())
            return Error(ErrorKind::unsupported, file + ": plugins behind TLS are not spoken to; use a unix socket");
        address = plugin_text(value.get_object(), "Addr");
    }
    while (!address.empty() && std::isspace(static_cast<unsigned char>(address.back()))) address.pop_back();
    if (address.find("://") == address.npos)
        return Error(ErrorKind::invalid_argument,
                     file + ": unix:///path or tcp://host:port is expected, not \"" + address.substr(0, 200) + "\"");
    return http::Endpoint::parse(address).context(file);
}

std::unique_ptr<engine::VolumeDrivers> make_volume_plugins(std::vector<std::string> folders, PluginTimes times) {
    return std::make_unique<VolumePlugins>(std::move(folders), times);
}

} // namespace hull
