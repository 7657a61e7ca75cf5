#include "apps/hulld/cdi_files.h"

#include <algorithm>

#include "base/log.h"
#include "codec/json.h"
#include "codec/yaml/yaml.h"
#include "sys/file.h"

namespace hull::json {

namespace e = hull::engine;

template <>
struct Fields<e::CdiNode> {
    static constexpr auto list = std::tuple{field("path", &e::CdiNode::path),
                                            field("hostPath", &e::CdiNode::host_path),
                                            field("type", &e::CdiNode::type),
                                            field("permissions", &e::CdiNode::permissions),
                                            field("major", &e::CdiNode::major),
                                            field("minor", &e::CdiNode::minor),
                                            field("fileMode", &e::CdiNode::file_mode),
                                            field("uid", &e::CdiNode::uid),
                                            field("gid", &e::CdiNode::gid)};
};
template <>
struct Fields<e::CdiMount> {
    static constexpr auto list =
        std::tuple{field("hostPath", &e::CdiMount::host_path), field("containerPath", &e::CdiMount::container_path),
                   field("type", &e::CdiMount::type), field("options", &e::CdiMount::options)};
};
template <>
struct Fields<e::CdiHook> {
    static constexpr auto list = std::tuple{field("hookName", &e::CdiHook::name), field("path", &e::CdiHook::path),
                                            field("args", &e::CdiHook::args), field("env", &e::CdiHook::env),
                                            field("timeout", &e::CdiHook::timeout)};
};
template <>
struct Fields<e::CdiEdits> {
    static constexpr auto list = std::tuple{field("env", &e::CdiEdits::env), field("deviceNodes", &e::CdiEdits::nodes),
                                            field("mounts", &e::CdiEdits::mounts), field("hooks", &e::CdiEdits::hooks),
                                            field("additionalGids", &e::CdiEdits::gids)};
};

} // namespace hull::json

namespace hull {
namespace {

using engine::CdiEdits;
using engine::CdiSpec;

constexpr size_t kMaxCdiFile = size_t{4} << 20;

Result<CdiEdits> read_edits(const json::Object& object) {
    const json::Value* value = object.if_contains("containerEdits");
    if (!value || value->is_null()) return CdiEdits{};
    auto edits = TRY(json::decode<CdiEdits>(*value).context("containerEdits"));
    for (const char* member : {"intelRdt", "netDevices"})
        if (const json::Value* asked = value->get_object().if_contains(member); asked && !asked->is_null())
            edits.unsupported = member;
    for (const engine::CdiNode& node : edits.nodes)
        if (!node.path.starts_with('/')) return invalid("deviceNodes: \"" + node.path + "\" is not an absolute path");
    for (const engine::CdiMount& mount : edits.mounts)
        if (!mount.container_path.starts_with('/') || mount.host_path.empty())
            return invalid("mounts: \"" + mount.container_path +
                           "\": hostPath and an absolute containerPath are wanted");
    return edits;
}

Result<std::string> text_member(const json::Object& object, const char* name) {
    const json::Value* value = object.if_contains(name);
    if (!value || !value->is_string()) return invalid(std::string("\"") + name + "\" is missing or no text");
    return std::string(value->get_string());
}

Result<CdiSpec> read_spec(const json::Value& value) {
    if (!value.is_object()) return invalid("not an object");
    const json::Object& object = value.get_object();
    CdiSpec spec;
    TRY(text_member(object, "cdiVersion"));
    spec.kind = TRY(text_member(object, "kind"));
    if (!engine::is_cdi_name(spec.kind + "=x")) return invalid("\"" + spec.kind + "\" is not vendor/class");
    spec.edits = TRY(read_edits(object));
    const json::Value* devices = object.if_contains("devices");
    if (!devices || !devices->is_array()) return invalid("\"devices\" is missing or no list");
    for (const json::Value& device : devices->get_array()) {
        if (!device.is_object()) return invalid("\"devices\" holds what is no object");
        std::string name = TRY(text_member(device.get_object(), "name"));
        if (!engine::is_cdi_name(spec.kind + "=" + name)) return invalid("\"" + name + "\" is no name of a device");
        auto edits = TRY(read_edits(device.get_object()).context("device " + name));
        if (!spec.devices.emplace(name, std::move(edits)).second)
            return invalid("device \"" + name + "\" is there twice");
    }
    return spec;
}

} // namespace

Result<CdiSpec> parse_cdi_spec(std::string_view text, const std::string& file) {
    json::Value value = TRY(file.ends_with(".json") ? json::parse(text, {.max_depth = 64, .max_bytes = kMaxCdiFile})
                                                    : parse_yaml(text));
    CdiSpec spec = TRY(read_spec(value));
    spec.file = file;
    return spec;
}

std::vector<CdiSpec> read_cdi_specs(const std::vector<std::string>& folders) {
    std::vector<CdiSpec> specs;
    for (const std::string& folder : folders) {
        auto names = sys::list_dir(folder);
        if (!names.ok()) continue; // most machines have none
        std::ranges::sort(*names);
        for (const std::string& name : *names) {
            if (!name.ends_with(".json") && !name.ends_with(".yaml") && !name.ends_with(".yml")) continue;
            std::string path = folder + "/" + name;
            auto load = [&]() -> Result<CdiSpec> {
                return parse_cdi_spec(TRY(sys::read_file(path, kMaxCdiFile)), path);
            };
            auto spec = load();
            if (spec.ok())
                specs.push_back(std::move(*spec));
            else
                log::warning("CDI file " + path, spec.error());
        }
    }
    return specs;
}

} // namespace hull
