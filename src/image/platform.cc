#include "image/platform.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hull::image {

namespace {

#if defined(__x86_64__)
constexpr std::string_view own_machine = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view own_machine = "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::string_view own_machine = "riscv64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
constexpr std::string_view own_machine = "ppc64le";
#elif defined(__s390x__)
constexpr std::string_view own_machine = "s390x";
#elif defined(__i386__)
constexpr std::string_view own_machine = "386";
#else
#error "name this machine as Go does"
#endif

constexpr std::array<std::string_view, 11> machines = {"386",     "amd64",   "arm",   "arm64",  "loong64", "mips64le",
                                                       "ppc64le", "riscv64", "s390x", "mips64", "wasm"};
constexpr std::pair<std::string_view, std::string_view> spellings[] = {
    {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}, {"armhf", "arm"}, {"armel", "arm"},
};

std::string_view normalised(std::string_view machine) {
    for (const auto& [other, ours] : spellings)
        if (machine == other) return ours;
    return machine;
}

Error invalid_platform(std::string_view text) {
    return {ErrorKind::invalid_argument, "\"" + std::string(text) + "\" is an invalid platform"};
}

} // namespace

model::Platform host_platform() {
    model::Platform platform;
    platform.os = "linux";
    platform.architecture = own_machine;
    return platform;
}

Result<model::Platform> parse_platform(std::string_view text) {
    std::array<std::string_view, 3> parts;
    size_t count = 0;
    for (std::string_view rest = text;;) {
        size_t slash = rest.find('/');
        std::string_view part = rest.substr(0, slash);
        if (part.empty() || count == parts.size()) return invalid_platform(text);
        parts[count++] = part;
        if (slash == rest.npos) break;
        rest.remove_prefix(slash + 1);
    }
    model::Platform platform = host_platform();
    if (count == 1 && std::find(machines.begin(), machines.end(), normalised(parts[0])) != machines.end()) {
        platform.architecture = normalised(parts[0]);
        return platform;
    }
    platform.os = parts[0];
    if (count > 1) platform.architecture = normalised(parts[1]);
    if (count > 2) platform.variant = parts[2];
    if (platform.os != "linux")
        return Error(ErrorKind::unsupported, "operating system \"" + platform.os + "\" is not supported");
    if (std::find(machines.begin(), machines.end(), platform.architecture) == machines.end())
        return invalid_platform(text);
    return platform;
}

bool runs_here(const model::Platform& platform) {
    return (platform.os.empty() || platform.os == "linux") &&
           (platform.architecture.empty() || platform.architecture == own_machine);
}

namespace {

std::string_view variant_of(const model::Platform& platform) {
    if (platform.architecture == "arm64" && platform.variant == "v8") return "";
    if (platform.architecture == "amd64" && platform.variant == "v1") return "";
    return platform.variant;
}

} // namespace

bool fits(const model::Platform& wanted, const model::Platform& have) {
    if (wanted.os != have.os || normalised(wanted.architecture) != normalised(have.architecture)) return false;
    if (!wanted.os_version.empty() && wanted.os_version != have.os_version) return false;
    return variant_of(wanted).empty() || variant_of(wanted) == variant_of(have);
}

std::string format_platform(const model::Platform& platform) {
    std::string text = platform.os + "/" + platform.architecture;
    if (!platform.variant.empty()) text += "/" + platform.variant;
    return text;
}

} // namespace hull::image
