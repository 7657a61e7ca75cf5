#include "model/seccomp_profile.h"

#include <algorithm>
#include <array>
#include <optional>

#include "codec/json.h"

namespace hull::model {
namespace {

#if defined(__x86_64__)
constexpr std::array<std::string_view, 1> kNames = {"amd64"};
constexpr std::string_view kArchitecture = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr std::array<std::string_view, 1> kNames = {"arm64"};
constexpr std::string_view kArchitecture = "SCMP_ARCH_AARCH64";
#else
constexpr std::array<std::string_view, 1> kNames = {"riscv64"};
constexpr std::string_view kArchitecture = "SCMP_ARCH_RISCV64";
#endif

struct Condition {
    std::vector<std::string> caps, arches;
    std::string min_kernel; // every kernel we run on is new enough
};
struct Argument { // oci::SeccompArg has its JSON elsewhere
    uint32_t index = 0;
    uint64_t value = 0, value_two = 0;
    std::string op;
};
struct Rule {
    std::vector<std::string> names;
    std::string name, action;
    std::optional<uint32_t> errno_ret;
    std::vector<Argument> args;
    Condition includes, excludes;
};
struct ArchMap {
    std::string architecture;
    std::vector<std::string> sub_architectures;
};
struct Profile {
    std::string default_action;
    std::optional<uint32_t> default_errno_ret;
    std::vector<std::string> architectures, flags;
    std::vector<ArchMap> arch_map;
    std::string listener_path, listener_metadata;
    std::vector<Rule> syscalls;
};

} // namespace
} // namespace hull::model

namespace hull::json {

template <>
struct Fields<hull::model::Argument> {
    using Arg = hull::model::Argument;
    static constexpr auto list = std::tuple{field("index", &Arg::index), field("value", &Arg::value),
                                            field("valueTwo", &Arg::value_two), field("op", &Arg::op)};
};
template <>
struct Fields<hull::model::Condition> {
    using C = hull::model::Condition;
    static constexpr auto list =
        std::tuple{field("caps", &C::caps), field("arches", &C::arches), field("minKernel", &C::min_kernel)};
};
template <>
struct Fields<hull::model::Rule> {
    using R = hull::model::Rule;
    static constexpr auto list =
        std::tuple{field("names", &R::names),        field("name", &R::name), field("action", &R::action),
                   field("errnoRet", &R::errno_ret), field("args", &R::args), field("includes", &R::includes),
                   field("excludes", &R::excludes)};
};
template <>
struct Fields<hull::model::ArchMap> {
    using M = hull::model::ArchMap;
    static constexpr auto list =
        std::tuple{field("architecture", &M::architecture), field("subArchitectures", &M::sub_architectures)};
};
template <>
struct Fields<hull::model::Profile> {
    using P = hull::model::Profile;
    static constexpr auto list = std::tuple{field("defaultAction", &P::default_action),
                                            field("defaultErrnoRet", &P::default_errno_ret),
                                            field("architectures", &P::architectures),
                                            field("flags", &P::flags),
                                            field("archMap", &P::arch_map),
                                            field("listenerPath", &P::listener_path),
                                            field("listenerMetadata", &P::listener_metadata),
                                            field("syscalls", &P::syscalls)};
};

} // namespace hull::json

namespace hull::model {
namespace {

template <class Range>
bool any_of(const std::vector<std::string>& wanted, const Range& range) {
    return std::ranges::any_of(
        wanted, [&](const std::string& one) { return std::ranges::find(range, one) != std::ranges::end(range); });
}

bool holds(const Rule& rule, const std::vector<std::string>& capabilities) {
    if (any_of(rule.excludes.arches, kNames) || any_of(rule.excludes.caps, capabilities)) return false;
    if (!rule.includes.arches.empty() && !any_of(rule.includes.arches, kNames)) return false;
    return std::ranges::all_of(rule.includes.caps, [&](const std::string& capability) {
        return std::ranges::find(capabilities, capability) != capabilities.end();
    });
}

} // namespace

Result<oci::Seccomp> parse_docker_seccomp(std::string_view text, const std::vector<std::string>& capabilities) {
    json::Value value = TRY(json::parse(text, {.max_depth = 16, .max_bytes = size_t{4} << 20}));
    Profile given = TRY(json::decode<Profile>(value));
    if (given.default_action.empty()) return Error(ErrorKind::invalid_argument, "no defaultAction");
    if (!given.architectures.empty() && !given.arch_map.empty())
        return Error(ErrorKind::invalid_argument, "both architectures and archMap are given");
    oci::Seccomp profile;
    profile.default_action = std::move(given.default_action);
    profile.default_errno_ret = given.default_errno_ret;
    profile.architectures = std::move(given.architectures);
    profile.flags = std::move(given.flags);
    profile.listener_path = std::move(given.listener_path);
    profile.listener_metadata = std::move(given.listener_metadata);
    for (ArchMap& map : given.arch_map) {
        if (map.architecture != kArchitecture) continue;
        profile.architectures.push_back(std::move(map.architecture));
        for (std::string& sub : map.sub_architectures) profile.architectures.push_back(std::move(sub));
    }
    for (Rule& rule : given.syscalls) {
        if (!rule.name.empty()) rule.names.push_back(std::move(rule.name));
        if (!holds(rule, capabilities)) continue;
        oci::SeccompSyscall& out = profile.syscalls.emplace_back();
        out.names = std::move(rule.names);
        out.action = std::move(rule.action);
        out.errno_ret = rule.errno_ret;
        for (Argument& arg : rule.args)
            out.args.push_back(
                {.index = arg.index, .value = arg.value, .value_two = arg.value_two, .op = std::move(arg.op)});
    }
    return profile;
}

} // namespace hull::model
