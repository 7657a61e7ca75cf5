// A client's frontend attributes as the options of a build. Source: BuildKit's
// frontend/dockerui/config.go and attr.go, buildx's build/opt.go.
#include <algorithm>
#include <charconv>

#include "build/exporter.h"
#include "build/session/control.h"
#include "codec/json.h"

namespace hull::build {

namespace {

std::vector<std::string> comma_separated(const std::string& text) {
    std::vector<std::string> out;
    for (size_t begin = 0; begin < text.size();) {
        size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

Result<int64_t> whole_number(const std::string& name, const std::string& text) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return invalid("invalid value " + text + " for " + name);
    return value;
}

// "nofile=1024:2048"
Result<model::Ulimit> limit_of(const std::string& text) {
    size_t equals = text.find('='), colon = text.find(':', equals == text.npos ? 0 : equals);
    if (equals == text.npos) return invalid("invalid ulimit " + text);
    model::Ulimit limit{.name = text.substr(0, equals)};
    limit.soft = TRY(whole_number("ulimit", text.substr(equals + 1, colon - equals - 1)));
    limit.hard = colon == text.npos ? limit.soft : TRY(whole_number("ulimit", text.substr(colon + 1)));
    return limit;
}

Result<void> add_cache(const wire::TypedAttributes& cache, BuildOptions& o) {
    auto ref = cache.attributes.find("ref");
    if (cache.type != "registry" || ref == cache.attributes.end())
        return unsupported("cache import of type " + cache.type +
                           " is not supported: name an image with an inline cache (type=registry,ref=...)");
    o.cache_from.push_back(ref->second);
    return {};
}

// [{"Type":"registry","Attrs":{"ref":"..."}}]
Result<void> add_caches(const std::string& text, BuildOptions& o) {
    auto list = TRY(json::parse(text).context("cache-imports"));
    if (!list.is_array()) return invalid("cache-imports is no list");
    for (const json::Value& entry : list.get_array()) {
        const json::Object* object = entry.if_object();
        const json::Value* type = object ? object->if_contains("Type") : nullptr;
        const json::Value* attributes = object ? object->if_contains("Attrs") : nullptr;
        if (!type || !type->is_string()) return invalid("cache-imports: an entry has no type");
        wire::TypedAttributes cache{std::string(type->get_string()), {}};
        if (attributes && !attributes->is_null())
            cache.attributes = TRY((json::decode<wire::Attributes>(*attributes)).context("cache-imports"));
        TRY(add_cache(cache, o));
    }
    return {};
}

Result<void> add_attribute(const std::string& name, const std::string& value, BuildOptions& o) {
    auto after = [&](std::string_view prefix) -> std::optional<std::string> {
        return name.starts_with(prefix) ? std::optional(name.substr(prefix.size())) : std::nullopt;
    };
    if (auto arg = after("build-arg:")) {
        o.args.emplace_back(*arg, value);
        if (*arg == "BUILDKIT_INLINE_CACHE" && (value == "1" || value == "true")) o.inline_cache = true;
    } else if (auto label = after("label:")) {
        o.labels[*label] = value;
    } else if (auto context = after("context:")) {
        o.contexts[*context] = value;
    } else if (after("vcs:") || after("local-sessionid:") || name == "frontend.caps" || name == "context") {
        return {}; // where it comes from, for who keeps a record; the context is the caller's
    } else if (name == "filename") {
        o.dockerfile = value;
    } else if (name == "target") {
        o.target = value;
    } else if (name == "platform") {
        o.platform = value;
    } else if (name == "multi-platform") {
        return {}; // one is named as several are
    } else if (name == "no-cache") {
        for (const std::string& stage : comma_separated(value)) o.no_cache_stages.insert(stage);
        o.no_cache = o.no_cache_stages.empty();
    } else if (name == "image-resolve-mode") {
        o.pull = value == "pull";
    } else if (name == "add-hosts") {
        for (std::string host : comma_separated(value)) {
            std::ranges::replace(host, '=', ':');
            o.host.extra_hosts.push_back(host);
        }
    } else if (name == "force-network-mode") {
        if (value == "none" || value == "host")
            o.host.network_mode = value;
        else if (value != "default" && value != "sandbox" && !value.empty())
            return invalid("network mode " + value + " is not supported: default, none or host");
    } else if (name == "shm-size") {
        o.host.shm_size = TRY(whole_number(name, value));
    } else if (name == "ulimit") {
        for (const std::string& limit : comma_separated(value)) o.host.ulimits.push_back(TRY(limit_of(limit)));
    } else if (name == "cgroup-parent") {
        o.host.cgroup_parent = value;
    } else if (name == "cache-from") {
        for (const std::string& ref : comma_separated(value)) o.cache_from.push_back(ref);
    } else if (name == "cache-imports") {
        return add_caches(value, o);
    } else if (after("attest:")) {
        // Only in the result when that has room for it, says the client: ours has none.
        if (value.find("disabled=true") == value.npos && value.find("inline-only=true") == value.npos)
            return unsupported(name + ": attestations are not supported (--provenance=false, --sbom=false)");
    } else {
        return unsupported("the build option " + name + " is not supported by this engine");
    }
    return {};
}

} // namespace

Result<BuildOptions> options_of(const wire::FrontendRequest& frontend, const wire::SolveRequest& solve) {
    if (frontend.has_definition)
        return unsupported("this engine builds Dockerfiles (frontend dockerfile.v0), no LLB definitions");
    if (frontend.has_inputs) return unsupported("inputs of a frontend (results of other builds) are not supported");
    if (frontend.frontend != "dockerfile.v0")
        return unsupported("frontend " + frontend.frontend + " is not supported: this engine has dockerfile.v0");
    if (solve.has_policy) return unsupported("source policies are not supported");
    BuildOptions o;
    o.allow.insert(solve.entitlements.begin(), solve.entitlements.end());
    o.style = Style::steps;
    for (const auto& [name, value] : frontend.attributes) TRY(add_attribute(name, value, o));
    for (const wire::TypedAttributes& cache : frontend.cache_imports) TRY(add_cache(cache, o));
    for (const wire::TypedAttributes& cache : solve.cache_exports) {
        if (cache.type == "local")
            return unsupported("cache export of type local is not supported: this engine has inline and registry");
        TRY(read_cache_export(cache.type, cache.attributes, o));
    }
    if (solve.exporters.size() > 1) return unsupported("several outputs at once are not supported");
    if (solve.exporters.empty())
        o.output.type = "cacheonly";
    else
        TRY(read_exporter(solve.exporters.front().type, solve.exporters.front().attributes, o));
    std::ranges::sort(o.cache_from);
    o.cache_from.erase(std::unique(o.cache_from.begin(), o.cache_from.end()), o.cache_from.end());
    return o;
}

} // namespace hull::build
