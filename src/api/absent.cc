// What clients ask for and this engine does not have, said truthfully: an engine
// that is in no swarm, and has no plugins, in Docker's words.
#include <charconv>

#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// As Go's strconv.ParseUint.
Result<void> check_version_index(std::string_view kind, const std::string& text) {
    uint64_t value = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && ec == std::errc() && end == text.data() + text.size()) return {};
    const char* why = ec == std::errc::result_out_of_range ? "value out of range" : "invalid syntax";
    return Error(ErrorKind::invalid_argument, "invalid " + std::string(kind) + " version '" + text +
                                                  "': strconv.ParseUint: parsing \"" + text + "\": " + why);
}

Error not_a_manager() {
    return Error(ErrorKind::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                         "swarm join\" to connect this node to swarm and try again.");
}

Error no_plugins_here(std::string_view what) {
    return Error(ErrorKind::unsupported, std::string(what) +
                                             ": this engine has no plugins; drivers for volumes, networks, logs and "
                                             "authorisation are built in");
}

Result<void> update_of(Call& call, std::string_view kind) {
    TRY(check_version_index(kind, call.text("version")));
    return not_a_manager();
}

Result<void> make_swarm(Call& call, std::string_view what) {
    std::string body = TRY(call.json_body());
    json::Value value = TRY(json::parse(body.empty() ? "{}" : body));
    const json::Object* object = value.if_object();
    const json::Value* address = object ? object->if_contains("ListenAddr") : nullptr;
    if (!address || !address->is_string() || address->get_string().empty())
        return Error(ErrorKind::invalid_argument, "invalid ListenAddr \"\": invalid empty address");
    return Error(ErrorKind::unsupported, std::string(what) + ": this engine has no swarm mode");
}

} // namespace

Result<void> no_swarm(Call&) { return not_a_manager(); }
Result<void> no_swarm_update(Call& call) { return update_of(call, "swarm"); }
Result<void> no_node_update(Call& call) { return update_of(call, "node"); }
Result<void> no_service_update(Call& call) { return update_of(call, "service"); }
Result<void> no_secret_update(Call& call) {
    if (!check_version_index("secret", call.text("version")).ok())
        return Error(ErrorKind::invalid_argument, "invalid secret version");
    return not_a_manager();
}
Result<void> no_config_update(Call& call) {
    if (!check_version_index("config", call.text("version")).ok())
        return Error(ErrorKind::invalid_argument, "invalid config version");
    return not_a_manager();
}
Result<void> no_swarm_leave(Call&) { return Error(ErrorKind::unavailable, "This node is not part of a swarm"); }
Result<void> no_swarm_init(Call& call) { return make_swarm(call, "swarm init"); }
Result<void> no_swarm_join(Call& call) { return make_swarm(call, "swarm join"); }
Result<void> no_swarm_logs(Call& call) {
    if (!call.flag("stdout") && !call.flag("stderr"))
        return Error(ErrorKind::invalid_argument, "Bad parameters: you must choose at least one stream");
    return not_a_manager();
}

Result<void> no_plugins(Call& call) {
    static constexpr std::string_view names[] = {"capability", "enabled"};
    auto filters = TRY(call.filters());
    TRY(filters.check_names(names));
    TRY(filters.boolean("enabled", true));
    return call.reply(200, json::Array{});
}
Result<void> no_such_plugin(Call& call) {
    return Error(ErrorKind::not_found, "plugin \"" + call.name() + "\" not found");
}
Result<void> no_plugin_switch(Call& call) {
    if (!call.number("timeout").ok() || call.text("timeout").empty())
        return Error(ErrorKind::invalid_argument,
                     "strconv.Atoi: parsing \"" + call.text("timeout") + "\": invalid syntax");
    return no_such_plugin(call);
}
Result<void> no_plugin_install(Call& call) {
    const std::string& remote = call.text("remote");
    TRY(model::Reference::parse(remote));
    return no_plugins_here("plugin " + remote);
}
Result<void> no_plugin_create(Call& call) {
    auto name = model::Reference::parse(call.text("name"));
    if (!name.ok()) return std::move(name).error().context("failed to parse reference " + call.text("name"));
    return no_plugins_here("plugin " + call.text("name"));
}

Result<void> not_yet(Call& call) {
    const http::Request& request = call.exchange().request();
    std::string path = request.target.substr(0, request.target.find('?'));
    return Error(ErrorKind::unsupported,
                 "this version of Hull does not have " + std::string(http::to_string(request.method)) + " " + path);
}

} // namespace hull::api
