#include "api/metrics.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "api/routes.h"
#include "build/builder.h"

namespace hull::api {

namespace {

void add(std::string& out, std::string_view name, std::string_view labels, double value) {
    std::array<char, 40> number{};
    int n = std::snprintf(number.data(), number.size(), " %.15g\n", value);
    out.append(name);
    if (!labels.empty()) out.append("{").append(labels).append("}");
    out.append(number.data(), static_cast<size_t>(n));
}

void add_head(std::string& out, std::string_view name, std::string_view kind, std::string_view help) {
    out.append("# HELP ").append(name).append(" ").append(help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(kind).append("\n");
}

std::string label(std::string_view name, std::string_view value) {
    std::string text(name);
    text.append("=\"");
    for (char c : value) {
        if (c == '"' || c == '\\') text.push_back('\\');
        if (c == '\n')
            text.append("\\n");
        else
            text.push_back(c);
    }
    return text + "\"";
}

// The actions on containers that Docker measures.
struct Action {
    http::Method method;
    std::string_view pattern, name;
};
constexpr Action actions[] = {
    {http::Method::get, "/containers/{name}/changes", "changes"},
    {http::Method::post, "/commit", "commit"},
    {http::Method::post, "/containers/create", "create"},
    {http::Method::delete_, "/containers/{name}", "delete"},
    {http::Method::post, "/containers/{name}/start", "start"},
};

void add_engine(std::string& out, const engine::InfoView& info, const std::string& version) {
    add_head(out, "engine_daemon_engine_info", "gauge", "The information related to the engine and the OS it is on");
    std::string labels;
    for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>("architecture", info.architecture),
                                      {"daemon_id", info.id},
                                      {"graphdriver", info.storage_driver},
                                      {"kernel", info.kernel_version},
                                      {"os", info.operating_system},
                                      {"os_type", info.os_type},
                                      {"os_version", info.os_version},
                                      {"version", version}})
        labels.append(labels.empty() ? "" : ",").append(label(name, value));
    add(out, "engine_daemon_engine_info", labels, 1);
    add_head(out, "engine_daemon_engine_cpus_cpus", "gauge",
             "The number of cpus that the host system of the engine has");
    add(out, "engine_daemon_engine_cpus_cpus", "", info.cpus);
    add_head(out, "engine_daemon_engine_memory_bytes", "gauge",
             "The number of bytes of memory that the host system of the engine has");
    add(out, "engine_daemon_engine_memory_bytes", "", static_cast<double>(info.memory));
    add_head(out, "engine_daemon_container_states_containers", "gauge", "The count of containers in various states");
    add(out, "engine_daemon_container_states_containers", "state=\"paused\"", info.paused);
    add(out, "engine_daemon_container_states_containers", "state=\"running\"", info.running);
    add(out, "engine_daemon_container_states_containers", "state=\"stopped\"", info.stopped);
    add_head(out, "engine_daemon_health_checks_total", "counter", "The total number of health checks");
    add(out, "engine_daemon_health_checks_total", "", static_cast<double>(info.health_checks));
    add_head(out, "engine_daemon_health_checks_failed_total", "counter", "The total number of failed health checks");
    add(out, "engine_daemon_health_checks_failed_total", "", static_cast<double>(info.health_failures));
    add_head(out, "hull_images", "gauge", "The number of images");
    add(out, "hull_images", "", info.images);
}

void add_builds(std::string& out, const build::BuildCounts& counts) {
    add_head(out, "builder_builds_triggered_total", "counter", "Number of triggered image builds");
    add(out, "builder_builds_triggered_total", "", static_cast<double>(counts.begun));
    add_head(out, "builder_builds_failed_total", "counter", "Number of failed image builds");
    add(out, "builder_builds_failed_total", "reason=\"build_canceled\"", static_cast<double>(counts.cancelled));
    add(out, "builder_builds_failed_total", "reason=\"dockerfile_syntax_error\"", static_cast<double>(counts.wrong));
    add(out, "builder_builds_failed_total", "reason=\"error_processing_commands\"", static_cast<double>(counts.failed));
}

} // namespace

Metrics::Metrics() : routes_(routes().size()) {}

void Metrics::observe(size_t route, int status, int64_t ns) {
    Counts& counts = routes_[route];
    auto relaxed = std::memory_order_relaxed;
    if (status >= 100 && status < 600) counts.by_class[static_cast<size_t>(status) / 100 - 1].fetch_add(1, relaxed);
    auto bucket = std::lower_bound(bounds.begin(), bounds.end(), static_cast<double>(ns) / 1e9) - bounds.begin();
    counts.buckets[static_cast<size_t>(bucket)].fetch_add(1, relaxed);
    counts.ns.fetch_add(static_cast<uint64_t>(ns), relaxed);
}

void Metrics::add_requests(std::string& out) const {
    add_head(out, "hull_api_requests_total", "counter", "Requests of the API that were answered");
    for (size_t i = 0; i < routes_.size(); ++i) {
        const Route& route = routes()[i];
        for (size_t c = 0; c < routes_[i].by_class.size(); ++c) {
            uint64_t count = routes_[i].by_class[c];
            if (count == 0) continue;
            std::string labels = label("method", http::to_string(route.method)) + "," + label("route", route.pattern) +
                                 ",code=\"" + std::to_string(c + 1) + "xx\"";
            add(out, "hull_api_requests_total", labels, static_cast<double>(count));
        }
    }
}

void Metrics::add_actions(std::string& out) const {
    constexpr std::string_view name = "engine_daemon_container_actions_seconds";
    add_head(out, name, "histogram", "The number of seconds it takes to process each container action");
    for (const Action& action : actions) {
        for (size_t i = 0; i < routes_.size(); ++i) {
            if (routes()[i].method != action.method || routes()[i].pattern != action.pattern) continue;
            std::string labels = label("action", action.name);
            uint64_t sum = 0;
            for (size_t b = 0; b <= bounds.size(); ++b) {
                sum += routes_[i].buckets[b];
                std::array<char, 32> bound{'+', 'I', 'n', 'f'};
                if (b < bounds.size()) std::snprintf(bound.data(), bound.size(), "%g", bounds[b]);
                add(out, std::string(name) + "_bucket", labels + "," + label("le", bound.data()),
                    static_cast<double>(sum));
            }
            add(out, std::string(name) + "_sum", labels, static_cast<double>(routes_[i].ns) / 1e9);
            add(out, std::string(name) + "_count", labels, static_cast<double>(sum));
        }
    }
}

std::string Metrics::text(engine::Engine& engine, const build::Builder* builder, const std::string& version) const {
    std::string out;
    add_engine(out, engine.info(), version);
    add_head(out, "engine_daemon_events_total", "counter", "The number of events logged");
    add(out, "engine_daemon_events_total", "", static_cast<double>(engine.events().published()));
    add_head(out, "engine_daemon_events_subscribers_total", "gauge", "The number of current subscribers to events");
    add(out, "engine_daemon_events_subscribers_total", "", engine.events().subscribers());
    if (builder) add_builds(out, builder->counts());
    add_actions(out);
    add_requests(out);
    return out;
}

} // namespace hull::api
