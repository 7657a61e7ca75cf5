#include "api/build_options.h"

#include <algorithm>
#include <charconv>

#include "codec/json.h"

namespace hull::api {

Result<int64_t> byte_amount(const Call& call, const char* name) {
    const std::string& text = call.text(name);
    int64_t value = 0;
    if (text.empty()) return value;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return invalid(std::string(name) + " is in bytes and expects an integer, got " + text);
    return value;
}

namespace {

template <class T>
Result<void> read_json(const Call& call, const char* name, T& into) {
    const std::string& text = call.text(name);
    if (text.empty() || text == "null") return {};
    auto value = TRY(json::parse(text).context([&] { return std::string("error reading ") + name; }));
    into = TRY(json::decode<T>(value).context(name));
    return {};
}

Result<void> read_args(const Call& call, build::GivenArgs& args) {
    const std::string& text = call.text("buildargs");
    if (text.empty() || text == "null") return {};
    auto value = TRY(json::parse(text).context("error reading buildargs"));
    if (!value.is_object()) return invalid("error reading buildargs: not an object");
    for (const auto& [name, arg] : value.get_object()) {
        if (arg.is_null())
            args.emplace_back(name, std::nullopt);
        else if (arg.is_string())
            args.emplace_back(name, std::string(arg.get_string()));
        else
            return invalid("error reading buildargs: " + std::string(name) + " is no text");
    }
    return {};
}

} // namespace

Result<build::BuildOptions> read_build_options(const Call& call) {
    build::BuildOptions o;
    o.tags = call.texts("t");
    std::erase(o.tags, "");
    if (!call.text("dockerfile").empty()) o.dockerfile = call.text("dockerfile");
    o.target = call.text("target");
    o.platform = call.text("platform");
    o.no_cache = call.flag("nocache");
    o.pull = call.flag("pull");
    o.remove = call.flag("rm", true);
    o.force_remove = call.flag("forcerm");
    o.squash = call.flag("squash");
    TRY(read_args(call, o.args));
    TRY(read_json(call, "cachefrom", o.cache_from));
    for (const auto& [name, value] : o.args)
        if (name == "BUILDKIT_INLINE_CACHE" && value && (*value == "1" || *value == "true")) o.inline_cache = true;
    TRY(read_json(call, "labels", o.labels));
    o.auths = TRY(image::parse_registry_config(call.exchange().request().headers.get("X-Registry-Config")));
    model::HostConfig& host = o.host;
    host.memory = TRY(byte_amount(call, "memory"));
    host.memory_swap = TRY(byte_amount(call, "memswap"));
    host.cpu_shares = TRY(byte_amount(call, "cpushares"));
    host.cpu_period = TRY(byte_amount(call, "cpuperiod"));
    host.cpu_quota = TRY(byte_amount(call, "cpuquota"));
    host.shm_size = TRY(byte_amount(call, "shmsize"));
    host.cpuset_cpus = call.text("cpusetcpus");
    host.cpuset_mems = call.text("cpusetmems");
    host.cgroup_parent = call.text("cgroupparent");
    host.network_mode = call.text("networkmode");
    for (const std::string& entry : call.texts("extrahosts"))
        for (size_t begin = 0; begin <= entry.size();) {
            size_t end = std::min(entry.find(',', begin), entry.size());
            if (end > begin) host.extra_hosts.push_back(entry.substr(begin, end - begin));
            begin = end + 1;
        }
    TRY(read_json(call, "securityopt", host.security_opt));
    if (const std::string& text = call.text("ulimits"); !text.empty() && text != "null") {
        auto value = TRY(json::parse("{\"Ulimits\":" + text + "}").context("error reading ulimits"));
        host.ulimits = TRY(model::host_config_from_json(value).context("error reading ulimits")).ulimits;
    }
    return o;
}

} // namespace hull::api
