// version and events.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/format/table.h"
#include "base/clock.h"

namespace hull::cli {

namespace {

#if defined(__x86_64__)
constexpr const char* architecture = "amd64";
#elif defined(__aarch64__)
constexpr const char* architecture = "arm64";
#else
#error "name this architecture as Docker does"
#endif

std::string client_text(const boost::json::object& client) {
    auto get = [&](const char* name) { return std::string(client.at(name).as_string()); };
    std::string out =
        "Client: Hull\n Version:           " + get("Version") + "\n API version:       " + get("ApiVersion");
    if (get("ApiVersion") != get("DefaultAPIVersion")) out += " (downgraded from " + get("DefaultAPIVersion") + ")";
    return out + "\n OS/Arch:           " + get("Os") + "/" + get("Arch") + "\n Context:           " + get("Context") +
           "\n";
}

std::string padded(std::string name, size_t width) {
    name += ":";
    if (name.size() < width) name.append(width - name.size(), ' ');
    return name;
}

std::string server_text(const Json& server) {
    std::string platform = text(server, "Platform.Name");
    std::string out = "\nServer:" + (platform.empty() ? "" : " " + platform) + "\n";
    constexpr size_t width = 18;
    constexpr std::pair<const char*, const char*> engine_lines[] = {
        {"Go version", "GoVersion"}, {"Git commit", "GitCommit"}, {"Built", "BuildTime"}};
    for (const Json& component : list(server, "Components")) {
        std::string name = text(component, "Name");
        out += " " + name + ":\n  " + padded("Version", width) + text(component, "Version") + "\n";
        if (name != "Engine") {
            for (const auto& entry : object(component, "Details"))
                if (entry.value().is_string())
                    out += "  " + padded(entry.key(), width) + std::string(entry.value().get_string()) + "\n";
            continue;
        }
        out += "  " + padded("API version", width) + text(component, "Details.ApiVersion") + " (minimum version " +
               text(component, "Details.MinAPIVersion") + ")\n";
        for (const auto& [label, key] : engine_lines)
            if (std::string value = text(component, std::string("Details.") + key); !value.empty())
                out += "  " + padded(label, width) + value + "\n";
        out += "  " + padded("OS/Arch", width) + text(component, "Details.Os") + "/" + text(component, "Details.Arch") +
               "\n  " + padded("Experimental", width) + text(component, "Details.Experimental") + "\n";
    }
    if (list(server, "Components").empty())
        out += " Engine:\n  " + padded("Version", width) + text(server, "Version") + "\n  " +
               padded("API version", width) + text(server, "ApiVersion") + " (minimum version " +
               text(server, "MinAPIVersion") + ")\n  " + padded("OS/Arch", width) + text(server, "Os") + "/" +
               text(server, "Arch") + "\n";
    return out;
}

std::string event_line(const Json& event) {
    std::string attributes;
    std::vector<std::pair<std::string, std::string>> sorted;
    for (const auto& entry : object(event, "Actor.Attributes"))
        sorted.emplace_back(entry.key(), entry.value().is_string() ? std::string(entry.value().get_string()) : "");
    std::ranges::sort(sorted);
    for (const auto& [key, value] : sorted) attributes += (attributes.empty() ? "" : ", ") + key + "=" + value;
    int64_t ns = number(event, "timeNano");
    if (ns == 0) ns = number(event, "time") * 1'000'000'000;
    // Always nine digits, so that the columns stay in line.
    std::string time = to_rfc3339({ns - ns % 1'000'000'000});
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%09lldZ", static_cast<long long>(ns % 1'000'000'000));
    time.replace(time.find('Z'), 1, fraction);
    return time + " " + text(event, "Type") + " " + text(event, "Action") + " " + text(event, "Actor.ID") +
           (attributes.empty() ? "" : " (" + attributes + ")") + "\n";
}

} // namespace

Result<int> show_version(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    bool only_client = flags.on("client");
    boost::json::object client{{"Version", HULL_VERSION},
                               {"ApiVersion", newest_api_version},
                               {"DefaultAPIVersion", newest_api_version},
                               {"Os", "linux"},
                               {"Arch", architecture},
                               {"Context", "default"}};
    Result<Json> server = Json(nullptr);
    if (!only_client) {
        client["Context"] = TRY(session.address()).context_name;
        Engine& engine = *TRY(session.engine());
        server = engine.get("/version");
        if (server.ok()) client["ApiVersion"] = TRY(engine.version());
    }
    if (!format.empty()) {
        Json all{{"Client", client}, {"Server", server.ok() ? *server : Json(nullptr)}};
        print(TRY(format::render_value(all, format)));
    } else {
        print(client_text(client) + (server.ok() && !only_client ? server_text(*server) : ""));
    }
    if (server.ok()) return 0;
    return std::move(server).error();
}

Result<int> show_events(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    Query query;
    query.add_unless_empty("since", TRY(timestamp_of("since", flags.text("since"))))
        .add_unless_empty("until", TRY(timestamp_of("until", flags.text("until"))))
        .add_unless_empty("filters", TRY(filters_json(flags.list("filter"))));
    Engine* engine = TRY(session.engine());
    Exchange events = TRY(engine->begin({.path = "/events", .query = query.str(), .body = {}, .headers = {}}));
    TRY(events.head());
    TRY(read_progress(events, [&](const Json& event) {
        if (format.empty()) return print(event_line(event));
        auto line = format::render_value(event, format);
        if (line.ok()) return print(*line);
        print_error(line.error().message() + "\n");
        std::exit(1);
    }));
    return 0;
}

} // namespace hull::cli
