// Containers: list and inspect.
#include "api/container_json.h"
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

Result<void> list_containers(Call& call) {
    engine::ListOptions options;
    options.all = call.flag("all");
    options.size = call.flag("size");
    options.limit = TRY(call.number("limit")).value_or(0);
    options.filters = TRY(call.filters());
    // Parameters of before filters were there.
    for (std::string_view name : {"since", "before"})
        if (!call.text(name).empty()) options.filters.add(std::string(name), call.text(name));
    auto summaries = TRY(call.containers().list(options));
    json::Array array;
    array.reserve(summaries.size());
    for (const auto& summary : summaries) array.push_back(summary_json(summary, call.version()));
    return call.reply(200, array);
}

Result<void> inspect_container(Call& call) {
    auto view = TRY(call.containers().inspect(call.name(), call.flag("size")));
    return call.reply(200, inspect_json(view, call.version()));
}

} // namespace hull::api
