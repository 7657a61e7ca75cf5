#include "apps/hull/commands/display.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <tuple>
#include <vector>

namespace hull::cli {

std::string local_time_text(int64_t unix_ns) {
    std::time_t seconds = unix_ns / 1'000'000'000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char out[80];
    size_t n = std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S %z %Z", &parts);
    return std::string(out, n);
}

namespace {

struct Published {
    std::string ip, protocol;
    int64_t inside = 0, outside = 0;
    auto key() const { return std::tie(ip, protocol, inside, outside); }
};

// One run of ports that count up together.
std::string run_text(const Published& first, const Published& last) {
    auto range = [](int64_t from, int64_t to) {
        return from == to ? std::to_string(from) : std::to_string(from) + "-" + std::to_string(to);
    };
    std::string inside = range(first.inside, last.inside) + "/" + first.protocol;
    if (first.outside == 0) return inside;
    std::string ip = first.ip.find(':') == std::string::npos ? first.ip : "[" + first.ip + "]";
    return ip + ":" + range(first.outside, last.outside) + "->" + inside;
}

} // namespace

std::string ports_text(const boost::json::array& ports) {
    std::vector<Published> all;
    for (const Json& port : ports)
        all.push_back({text(port, "IP"), text(port, "Type"), number(port, "PrivatePort"), number(port, "PublicPort")});
    std::ranges::sort(all, [](const Published& a, const Published& b) {
        return std::tie(a.inside, a.outside, a.protocol, a.ip) < std::tie(b.inside, b.outside, b.protocol, b.ip);
    });
    std::vector<std::pair<Published, Published>> runs;
    for (const Published& port : all) {
        auto follows = [&](const std::pair<Published, Published>& run) {
            const Published& last = run.second;
            bool step = port.inside == last.inside + 1 &&
                        (port.outside == 0 ? last.outside == 0 : last.outside != 0 && port.outside == last.outside + 1);
            return step && port.ip == last.ip && port.protocol == last.protocol;
        };
        auto found = std::ranges::find_if(runs, follows);
        if (found == runs.end())
            runs.emplace_back(port, port);
        else
            found->second = port;
    }
    std::string out;
    for (const auto& [first, last] : runs) out += (out.empty() ? "" : ", ") + run_text(first, last);
    return out;
}

std::string pairs_text(const boost::json::object& pairs) {
    std::map<std::string_view, std::string_view> sorted;
    for (const auto& entry : pairs)
        sorted[entry.key()] =
            entry.value().is_string() ? std::string_view(entry.value().get_string()) : std::string_view{};
    std::string out;
    for (const auto& [key, value] : sorted) out.append(out.empty() ? "" : ",").append(key).append("=").append(value);
    return out;
}

boost::json::object pairs_json(const std::vector<std::string>& pairs) {
    boost::json::object out;
    for (const std::string& pair : pairs) {
        const size_t equals = pair.find('=');
        out[pair.substr(0, equals)] = equals == pair.npos ? "" : pair.substr(equals + 1);
    }
    return out;
}

std::optional<Json> label_method(const boost::json::object& labels, std::string_view name,
                                 std::span<const Json> arguments) {
    if (name != "Label" || arguments.size() != 1 || !arguments[0].is_string()) return std::nullopt;
    const Json* value = labels.if_contains(arguments[0].get_string());
    return value && value->is_string() ? *value : Json("");
}

} // namespace hull::cli
