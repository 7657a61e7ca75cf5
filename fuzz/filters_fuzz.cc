// links: hull_http hull_codec hull_model re2
// The filters= parameter in its two encodings, and times.
#include <cstddef>
#include <cstdint>
#include <string>

// Two small files instead of their libraries, which need the whole engine.
#include "api/parameters.cc"
#include "engine/filters.cc"

using namespace hull;

namespace {

constexpr std::string_view names[] = {"label", "label!", "status", "name", "until", "dangling"};

// What Filters holds, as the other encoding would say it.
std::string as_maps(const engine::Filters& filters) {
    json::Object object;
    for (std::string_view name : names) {
        json::Object values;
        for (const std::string& value : filters.get(name)) values[value] = true;
        if (!values.empty()) object[name] = std::move(values);
    }
    return json::print(object);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)api::parse_time(text);
    (void)api::parse_moment(text, WallTime{1'700'000'000'000'000'000});
    (void)api::parse_number(text);
    auto filters = api::parse_filters(text);
    if (!filters.ok()) return 0;
    auto again = api::parse_filters(as_maps(*filters));
    if (!again.ok()) __builtin_trap();
    for (std::string_view name : names)
        for (const std::string& value : filters->get(name))
            if (!again->exact(name, value)) __builtin_trap();
    return 0;
}
