#include "api/image_progress.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "api/image_json.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// As Docker prints sizes: "12B", "3.4MB"; units of 1000, four digits.
std::string human_size(uint64_t bytes) {
    static constexpr std::array units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    auto size = static_cast<double>(bytes);
    size_t unit = 0;
    while (size >= 1000 && unit + 1 < units.size()) {
        size /= 1000;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.4g%s", size, units[unit]);
    return text;
}

} // namespace

std::string progress_text(uint64_t current, uint64_t total) {
    constexpr size_t width = 50;
    size_t done = total ? static_cast<size_t>(std::min<uint64_t>(current * width / total, width)) : 0;
    std::string bar = "[" + std::string(done, '=') + ">" + std::string(width - done, ' ') + "] ";
    std::string now = human_size(current);
    if (now.size() < 8) now.insert(0, 8 - now.size(), ' ');
    return bar + now + "/" + human_size(total);
}

json::Object transfer_line(const image::TransferLine& line) {
    json::Object object;
    if (line.tag) {
        object["progressDetail"] = json::Object{};
        object["aux"] = json::Object{{"Tag", *line.tag}, {"Digest", line.digest}, {"Size", line.size}};
        return object;
    }
    if (line.instead) {
        object["aux"] = json::Object{{"manifestPushedInsteadOfIndex", true},
                                     {"originalIndex", descriptor_json(line.instead->first, WithPlatform::yes)},
                                     {"selectedManifest", descriptor_json(line.instead->second, WithPlatform::yes)}};
        object["progressDetail"] = json::Object{};
        return object;
    }
    object["status"] = line.status;
    if (line.of_layer) {
        json::Object detail;
        if (line.total) {
            detail["current"] = line.current;
            detail["total"] = line.total;
            object["progress"] = progress_text(line.current, line.total);
        }
        object["progressDetail"] = std::move(detail);
    }
    if (!line.id.empty()) object["id"] = line.id;
    return object;
}

} // namespace hull::api
