#include "apps/hulld/builder_keys.h"

#include "api/parameters.h"
#include "apps/hulld/options.h"
#include "base/clock.h"
#include "codec/json.h"

namespace hull {

namespace {

constexpr int64_t hour_ns = 3'600'000'000'000;
constexpr uint64_t default_reserved_bytes = uint64_t{20} << 30;
constexpr uint64_t default_mount_bytes = uint64_t{512} << 20;

struct GcLimits {
    uint64_t reserved = 0, max_used = 0, min_free = 0;
};

Result<uint64_t> gc_bytes(const std::string& name, const json::Value& value) {
    if (value.is_int64() && value.get_int64() >= 0) return static_cast<uint64_t>(value.get_int64());
    if (!value.is_string()) return invalid("builder: gc: " + name + " is no size");
    const std::string text(value.get_string());
    if (text.empty()) return uint64_t{0};
    if (text.ends_with('%'))
        return unsupported("builder: gc: " + name + ": parts of the disk are not supported, only bytes: " + text);
    return static_cast<uint64_t>(TRY(parse_size(text).context("builder: gc: " + name)));
}

// Whether the member is one of the limits.
Result<bool> take_limit(const std::string& name, const json::Value& value, bool defaults, GcLimits& limits) {
    auto is = [&](const char* one, const char* as_default) { return name == (defaults ? as_default : one); };
    if (is("keepStorage", "defaultKeepStorage") || is("reservedSpace", "defaultReservedSpace"))
        limits.reserved = TRY(gc_bytes(name, value));
    else if (is("maxUsedSpace", "defaultMaxUsedSpace"))
        limits.max_used = TRY(gc_bytes(name, value));
    else if (is("minFreeSpace", "defaultMinFreeSpace"))
        limits.min_free = TRY(gc_bytes(name, value));
    else
        return false;
    return true;
}

Result<build::GcRule> gc_rule(const json::Value& value) {
    if (!value.is_object()) return invalid("builder: gc: a policy is no object");
    build::GcRule rule;
    GcLimits limits;
    for (const auto& [key, one] : value.get_object()) {
        const std::string name(key);
        if (TRY(take_limit(name, one, false, limits))) continue;
        if (name == "all" && one.is_bool()) {
            rule.all = one.get_bool();
        } else if (name == "filter" && one.is_array()) {
            std::string conditions;
            for (const json::Value& entry : one.get_array()) {
                const std::string text = entry.is_string() ? std::string(entry.get_string()) : std::string();
                const size_t equals = text.find('=');
                if (equals == text.npos) return invalid("builder: gc: a filter is name=value, not " + text);
                const std::string field = text.substr(0, equals), wanted = text.substr(equals + 1);
                if (field == "unused-for" || field == "until") {
                    const WallTime now = wall_now();
                    rule.unused_for_ns = now.ns - TRY(api::parse_moment(wanted, now).context("builder: gc: filter")).ns;
                } else if (field == "type" || field == "id" || field == "description" || field == "parent") {
                    conditions += (conditions.empty() ? "" : ",") + field + "==" + wanted;
                } else {
                    return unsupported("builder: gc: the filter " + field + " is not supported");
                }
            }
            if (!conditions.empty()) rule.filters.push_back(conditions);
        } else {
            return invalid("builder: gc: a policy has no " + name + " of that kind");
        }
    }
    rule.reserved_bytes = limits.reserved;
    rule.max_used_bytes = limits.max_used;
    rule.min_free_bytes = limits.min_free;
    return rule;
}

// What BuildKit does by itself: mounts that are large and old first, then what nobody used for long, then what
// is too much; at last what images share.
std::vector<build::GcRule> usual_rules(const GcLimits& limits) {
    build::GcRule mounts{.filters = {"type==exec.cachemount"}, .unused_for_ns = 48 * hour_ns};
    mounts.max_used_bytes = default_mount_bytes;
    build::GcRule old{.unused_for_ns = 60 * 24 * hour_ns};
    build::GcRule unshared, all{.all = true};
    for (build::GcRule* rule : {&old, &unshared, &all}) {
        rule->reserved_bytes = limits.reserved;
        rule->max_used_bytes = limits.max_used;
        rule->min_free_bytes = limits.min_free;
    }
    return {mounts, old, unshared, all};
}

} // namespace

Result<std::vector<build::GcRule>> parse_builder_gc(const std::string& text) {
    GcLimits limits{.reserved = default_reserved_bytes};
    if (text.empty()) return usual_rules(limits);
    auto value = TRY(json::parse(text).context("builder: gc"));
    if (!value.is_object()) return invalid("the directive builder: gc is not an object");
    bool enabled = true;
    std::vector<build::GcRule> rules;
    for (const auto& [key, one] : value.get_object()) {
        const std::string name(key);
        if (TRY(take_limit(name, one, true, limits))) continue;
        if (name == "enabled" && one.is_bool())
            enabled = one.get_bool();
        else if (name == "policy" && one.is_array())
            for (const json::Value& rule : one.get_array()) rules.push_back(TRY(gc_rule(rule)));
        else
            return invalid("the directive builder: gc has no " + name + " of that kind");
    }
    if (!enabled) return std::vector<build::GcRule>();
    if (!limits.reserved && !limits.max_used && !limits.min_free) limits.reserved = default_reserved_bytes;
    return rules.empty() ? usual_rules(limits) : rules;
}

Result<build::Entitlements> parse_builder_entitlements(const std::string& text) {
    build::Entitlements allowed;
    if (text.empty()) return allowed;
    auto value = TRY(json::parse(text).context("builder: entitlements"));
    if (!value.is_object()) return invalid("the directive builder: entitlements is not an object");
    for (const auto& [key, one] : value.get_object()) {
        bool* which = key == "network-host"        ? &allowed.network_host
                      : key == "security-insecure" ? &allowed.security_insecure
                                                   : nullptr;
        if (!which || !one.is_bool())
            return invalid("the directive builder: entitlements has network-host and security-insecure, true or "
                           "false, not " +
                           std::string(key));
        *which = one.get_bool();
    }
    return allowed;
}

} // namespace hull
