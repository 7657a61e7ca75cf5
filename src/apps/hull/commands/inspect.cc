// inspect, and that of containers, images, networks and volumes.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/commands/indent.h"
#include "apps/hull/format/table.h"

namespace hull::cli {

namespace {

Result<Json> get_container(Engine& engine, const std::string& name, bool size) {
    return engine.get(container_path(name, "json"), Query().add_if(size, "size", "1"));
}
Result<Json> get_image(Engine& engine, const std::string& name, const std::string& platform = {}) {
    return engine.get("/images/" + path_part(name) + "/json", Query().add_unless_empty("platform", platform));
}
Result<Json> get_other(Engine& engine, const char* kind, const std::string& name) {
    return engine.get("/" + std::string(kind) + "s/" + path_part(name));
}

using Getter = std::function<Result<Json>(Engine&, const std::string&)>;

// What was found is printed even when something else was not.
Result<int> inspect_each(Session& session, const Getter& get) {
    Engine& engine = *TRY(session.engine());
    std::string format = session.flags().text("format");
    boost::json::array found;
    std::string errors;
    for (const std::string& name : session.operands()) {
        auto value = get(engine, name);
        if (value.ok())
            found.push_back(std::move(value).value());
        else if (value.error().kind() == ErrorKind::unavailable)
            return std::move(value).error();
        else
            errors += value.error().message() + "\n";
    }
    if (format.empty()) {
        print(indented(Json(found)) + "\n");
    } else if (format == "json") {
        print(boost::json::serialize(found) + "\n");
    } else {
        for (const Json& value : found) print(TRY(format::render_value(value, format)));
    }
    print_error(errors);
    return errors.empty() ? 0 : 1;
}

// A container, else an image, else a network, else a volume, as docker looks.
Result<Json> get_any(Engine& engine, const std::string& name, bool size) {
    auto found = get_container(engine, name, size);
    if (found.ok() || found.error().kind() != ErrorKind::not_found) return found;
    found = get_image(engine, name);
    if (found.ok() || found.error().kind() != ErrorKind::not_found) return found;
    for (const char* kind : {"network", "volume"}) {
        auto other = get_other(engine, kind, name);
        if (other.ok()) return other;
    }
    return Error(ErrorKind::not_found, "Error: No such object: " + name);
}

} // namespace

Result<int> inspect_containers(Session& session) {
    bool size = session.flags().on("size");
    return inspect_each(session,
                        [size](Engine& engine, const std::string& name) { return get_container(engine, name, size); });
}

Result<int> inspect_images(Session& session) {
    std::string platform = session.flags().text("platform");
    return inspect_each(session,
                        [&](Engine& engine, const std::string& name) { return get_image(engine, name, platform); });
}

Result<int> inspect_networks(Session& session) {
    const Query query = Query().add_if(session.flags().on("verbose"), "verbose", "1");
    return inspect_each(session, [&](Engine& engine, const std::string& name) {
        return engine.get("/networks/" + path_part(name), query);
    });
}

Result<int> inspect_volumes(Session& session) {
    return inspect_each(session,
                        [](Engine& engine, const std::string& name) { return get_other(engine, "volume", name); });
}

Result<int> inspect_any(Session& session) {
    std::string type = session.flags().text("type");
    bool size = session.flags().on("size");
    if (type.empty())
        return inspect_each(session,
                            [size](Engine& engine, const std::string& name) { return get_any(engine, name, size); });
    if (type == "container")
        return inspect_each(
            session, [size](Engine& engine, const std::string& name) { return get_container(engine, name, size); });
    if (size) print_error("WARNING: --size ignored for " + type + "s\n");
    if (type == "image")
        return inspect_each(session, [](Engine& engine, const std::string& name) { return get_image(engine, name); });
    if (type == "network" || type == "volume" || type == "plugin" || type == "node" || type == "service" ||
        type == "secret" || type == "config" || type == "task")
        return inspect_each(
            session, [type](Engine& engine, const std::string& name) { return get_other(engine, type.c_str(), name); });
    return Error(ErrorKind::invalid_argument, "\"" + type + "\" is not a valid value for --type");
}

} // namespace hull::cli
