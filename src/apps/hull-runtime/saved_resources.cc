#include "apps/hull-runtime/saved_resources.h"

#include <algorithm>

#include "codec/json.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

bool same_device(const json::Value& a, const json::Value& b) {
    if (!a.is_object() || !b.is_object()) return false;
    auto number = [](const json::Value& v, const char* name) {
        const json::Value* n = v.get_object().if_contains(name);
        return n ? *n : json::Value();
    };
    return number(a, "major") == number(b, "major") && number(a, "minor") == number(b, "minor");
}

void overlay(json::Value& into, const json::Value& from) {
    if (into.is_object() && from.is_object()) {
        for (const auto& [name, value] : from.get_object()) overlay(into.get_object()[name], value);
        return;
    }
    if (!into.is_array() || !from.is_array()) {
        into = from;
        return;
    }
    json::Array& array = into.get_array();
    for (const json::Value& element : from.get_array()) {
        auto at = std::ranges::find_if(array, [&](const json::Value& v) { return same_device(v, element); });
        if (at != array.end())
            overlay(*at, element);
        else
            array.push_back(element);
    }
}

} // namespace

Result<SavedResources> SavedResources::load(const Store& store, const std::string& id) {
    SavedResources saved;
    saved.path_ = store.folder(id) + "/config.json";
    saved.text_ = TRY(sys::read_file(saved.path_, size_t{4} << 20));
    auto spec = TRY(model::oci::parse_spec(saved.text_).context(saved.path_));
    if (spec.linux_ && spec.linux_->resources) saved.resources_ = std::move(*spec.linux_->resources);
    return saved;
}

Result<void> SavedResources::merge(const model::oci::Resources& changes) const {
    json::Value config = TRY(json::parse(text_).context(path_));
    json::Value changed = TRY(json::parse(model::oci::print_resources(changes)));
    if (!config.is_object()) return invalid(path_ + " is not an object");
    json::Value& section = config.get_object()["linux"];
    if (!section.is_object()) section = json::Object{};
    json::Value& resources = section.get_object()["resources"];
    if (!resources.is_object()) resources = json::Object{};
    overlay(resources, changed);
    return sys::replace_file(path_, json::print(config), 0600);
}

} // namespace hull::oci_runtime
