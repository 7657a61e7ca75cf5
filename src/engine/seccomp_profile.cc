#include "engine/seccomp_profile.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "engine/seccomp_data.h"
#include "model/seccomp_profile.h"

namespace hull::engine {
namespace {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using model::oci::SeccompSyscall;

constexpr const char* kAllow = "SCMP_ACT_ALLOW";

#if defined(__x86_64__)
constexpr std::array kArchitectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
constexpr std::array kArchitectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#elif defined(__riscv)
constexpr std::array kArchitectures = {"SCMP_ARCH_RISCV64"};
#else
#error "name the seccomp architectures of this machine"
#endif

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
constexpr uint64_t kNamespaceFlags = 0x7e020000;
constexpr uint64_t kAfAlg = 38, kAfVsock = 40;
// PER_LINUX, PER_LINUX32, both with UNAME26, and the query.
constexpr std::array<uint64_t, 5> kPersonalities = {0, 8, 0x20000, 0x20008, 0xffffffff};

bool has(const std::vector<std::string>& capabilities, std::string_view name) {
    return std::ranges::find(capabilities, name) != capabilities.end();
}

SeccompSyscall allow_if(const char* name, SeccompArg arg) {
    return {.names = {name}, .action = kAllow, .errno_ret = {}, .args = {std::move(arg)}};
}

Seccomp build(const std::vector<std::string>& capabilities) {
    Seccomp profile;
    profile.default_action = "SCMP_ACT_ERRNO";
    profile.default_errno_ret = 1;
    profile.architectures.assign(kArchitectures.begin(), kArchitectures.end());

    SeccompSyscall always{.names = {}, .action = kAllow, .errno_ret = {}, .args = {}};
    always.names.assign(seccomp_data::kAlways.begin(), seccomp_data::kAlways.end());
    for (const auto& gated : seccomp_data::kGated)
        if (has(capabilities, gated.capability) && !std::ranges::count(always.names, gated.name))
            always.names.emplace_back(gated.name);
    profile.syscalls.push_back(std::move(always));

    // No AF_ALG, no AF_VSOCK. (One argument may be compared once per rule.)
    profile.syscalls.push_back(allow_if("socket", {.index = 0, .value = kAfAlg, .op = "SCMP_CMP_LT"}));
    profile.syscalls.push_back(allow_if("socket", {.index = 0, .value = kAfAlg + 1, .op = "SCMP_CMP_EQ"}));
    profile.syscalls.push_back(allow_if("socket", {.index = 0, .value = kAfVsock, .op = "SCMP_CMP_GT"}));
    for (uint64_t value : kPersonalities)
        profile.syscalls.push_back(allow_if("personality", {.index = 0, .value = value, .op = "SCMP_CMP_EQ"}));

    if (!has(capabilities, "CAP_SYS_ADMIN")) {
        profile.syscalls.push_back(
            allow_if("clone", {.index = 0, .value = kNamespaceFlags, .value_two = 0, .op = "SCMP_CMP_MASKED_EQ"}));
        // Its flags are behind a pointer; ENOSYS makes libc fall back to clone.
        profile.syscalls.push_back({.names = {"clone3"}, .action = "SCMP_ACT_ERRNO", .errno_ret = 38, .args = {}});
    }
    return profile;
}

} // namespace

std::shared_ptr<const Seccomp> default_seccomp(const std::vector<std::string>& capabilities) {
    // Nearly all containers have one of a few sets.
    static std::mutex mutex;
    static std::map<std::vector<std::string>, std::shared_ptr<const Seccomp>> made;
    std::lock_guard lock(mutex);
    if (made.size() > 64) made.clear();
    auto& profile = made[capabilities];
    if (!profile) profile = std::make_shared<const Seccomp>(build(capabilities));
    return profile;
}

Result<std::optional<Seccomp>> seccomp_profile(const std::string& text, const std::vector<std::string>& capabilities) {
    if (text == "unconfined") return std::optional<Seccomp>();
    if (text.empty() || text == "builtin") return std::optional<Seccomp>(*default_seccomp(capabilities));
    return std::optional<Seccomp>(TRY(model::parse_docker_seccomp(text, capabilities).context("seccomp profile")));
}

} // namespace hull::engine
