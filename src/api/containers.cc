// Containers: create and the operations that answer with little or nothing.
#include "api/handlers.h"
#include "api/parameters.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// What older clients send without meaning it, or newer ones may not send.
Result<void> adapt_to_version(const Call& call, model::CreateRequest& request) {
    model::HostConfig& host = request.host_config;
    if (!call.at_least(42)) {
        host.console_size.clear();
        for (model::MountRequest& mount : host.mounts)
            if (mount.bind_options) mount.bind_options->create_mountpoint = false;
    }
    if (!call.at_least(43)) host.annotations.clear();
    if (!call.at_least(44)) {
        const auto& endpoints = request.networking_config.endpoints_config;
        if (endpoints.size() > 1) {
            std::string names;
            for (const auto& [name, endpoint] : endpoints) names += (names.empty() ? "" : ", ") + name;
            return Error(ErrorKind::invalid_argument, "Container cannot be connected to network endpoints: " + names);
        }
        if (request.config.healthcheck) request.config.healthcheck->start_interval = 0;
        for (model::MountRequest& mount : host.mounts) {
            if (!mount.bind_options) continue;
            mount.bind_options->read_only_non_recursive = false;
            mount.bind_options->read_only_force_recursive = false;
        }
    }
    if (call.at_least(52)) request.config.mac_address.clear();
    // -1 was how clients before 1.24 said "not set", and docker-compose 1 still does.
    if (host.memory_swappiness == -1) host.memory_swappiness.reset();
    return {};
}

Result<uint16_t> window_size(const Call& call, std::string_view parameter) {
    int value = TRY(parse_number(call.text(parameter)));
    if (value < 0 || value > 65535)
        return Error(ErrorKind::invalid_argument,
                     "strconv.ParseUint: parsing \"" + call.text(parameter) + "\": value out of range");
    return static_cast<uint16_t>(value);
}

// Settings once came with the start. No object that says something is of 7 bytes or less.
Result<void> refuse_settings(const Call& call) {
    const http::Headers& headers = call.exchange().request().headers;
    const std::string_view length = headers.get("Content-Length");
    const bool chunked = !headers.get("Transfer-Encoding").empty();
    if (!chunked && (length.empty() || (length.size() == 1 && length[0] <= '7'))) return {};
    return invalid(
        "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
}

} // namespace

Result<void> create_container(Call& call) {
    std::string body = TRY(call.json_body());
    if (body.empty()) return Error(ErrorKind::invalid_argument, "invalid JSON: got EOF while reading request body");
    auto request = TRY(model::parse_create_request(body));
    TRY(adapt_to_version(call, request));
    if (call.options().default_init && !request.host_config.init) request.host_config.init = true;
    auto created = TRY(
        call.containers().create(std::move(request), {.name = call.text("name"), .platform = call.text("platform")}));
    return call.reply(201, json::Object{{"Id", created.id.str()}, {"Warnings", json::encode(created.warnings)}});
}

Result<void> start_container(Call& call) {
    TRY(refuse_settings(call));
    TRY(call.containers().start(call.name()));
    return call.reply_empty(204);
}

Result<void> stop_container(Call& call) {
    auto timeout = TRY(call.number("t"));
    TRY(call.containers().stop(call.name(), timeout, call.at_least(42) ? call.text("signal") : ""));
    return call.reply_empty(204);
}

Result<void> restart_container(Call& call) {
    auto timeout = TRY(call.number("t"));
    TRY(call.containers().restart(call.name(), timeout, call.at_least(42) ? call.text("signal") : ""));
    return call.reply_empty(204);
}

Result<void> kill_container(Call& call) {
    TRY(call.containers().kill(call.name(), call.text("signal")));
    return call.reply_empty(204);
}

Result<void> pause_container(Call& call) {
    TRY(call.containers().pause(call.name()));
    return call.reply_empty(204);
}

Result<void> unpause_container(Call& call) {
    TRY(call.containers().unpause(call.name()));
    return call.reply_empty(204);
}

Result<void> rename_container(Call& call) {
    TRY(call.containers().rename(call.name(), call.text("name")));
    return call.reply_empty(204);
}

Result<void> resize_container(Call& call) {
    uint16_t rows = TRY(window_size(call, "h"));
    uint16_t columns = TRY(window_size(call, "w"));
    TRY(call.containers().resize(call.name(), rows, columns));
    return call.reply_empty(200);
}

Result<void> resize_exec(Call& call) {
    uint16_t rows = TRY(window_size(call, "h"));
    uint16_t columns = TRY(window_size(call, "w"));
    TRY(call.engine().execs().resize(call.name(), rows, columns));
    return call.reply_empty(200);
}

// Our own: {"PublishedPorts": {"Add": {"80/tcp": [{"HostPort": "8080"}]}, "Remove": {...}}}
Result<engine::PortChanges> port_changes(const json::Value& body) {
    engine::PortChanges changes;
    const json::Value* ports = body.is_object() ? body.get_object().if_contains("PublishedPorts") : nullptr;
    if (!ports || ports->is_null()) return changes;
    if (!ports->is_object()) return invalid("PublishedPorts: an object is wanted");
    for (const auto& [key, bindings] : ports->get_object()) {
        if (key != "Add" && key != "Remove")
            return invalid("PublishedPorts: Add and Remove are known, not " + std::string(key));
        const json::Value as_settings = json::Object{{"PortBindings", bindings}};
        auto read = TRY(model::host_config_from_json(as_settings).context("PublishedPorts"));
        (key == "Add" ? changes.add : changes.remove) = std::move(read.port_bindings);
    }
    return changes;
}

Result<void> update_container(Call& call) {
    std::string body = TRY(call.json_body());
    if (body.empty()) return invalid("invalid JSON: got EOF while reading request body");
    const json::Value parsed = TRY(json::parse(body));
    auto changes = TRY(model::host_config_from_json(parsed));
    const auto ports = TRY(port_changes(parsed));
    if (changes.memory_swappiness == -1) changes.memory_swappiness.reset();
    auto warnings = TRY(call.containers().update(call.name(), changes, ports));
    return call.reply(
        200, json::Object{{"Warnings", warnings.empty() ? json::Value(nullptr) : json::Value(json::encode(warnings))}});
}

Result<void> remove_container(Call& call) {
    TRY(call.containers().remove(call.name(),
                                 {.force = call.flag("force"), .volumes = call.flag("v"), .link = call.flag("link")}));
    return call.reply_empty(204);
}

Result<void> prune_containers(Call& call) {
    auto report = TRY(call.containers().prune(TRY(call.filters())));
    return call.reply(
        200, json::Object{
                 {"ContainersDeleted", report.deleted.empty() ? json::Value(nullptr) : json::encode(report.deleted)},
                 {"SpaceReclaimed", report.space_reclaimed},
             });
}

Result<void> top_container(Call& call) {
    auto top = TRY(call.containers().top(call.name(), call.text("ps_args")));
    return call.reply(200,
                      json::Object{{"Processes", json::encode(top.processes)}, {"Titles", json::encode(top.titles)}});
}

} // namespace hull::api
