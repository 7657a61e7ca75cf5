#include "sys/denied_calls.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "sys/credentials.h"
#include "sys/file.h"

namespace hull::sys {

namespace {

// One call, or only those of it that have one of these bits in an argument.
struct Denial {
    std::string_view name;
    unsigned number;
    int code = ENOSYS;
    int argument = -1;
    unsigned bits = 0;
};

constexpr std::array calls{
    Denial{"clone3", SYS_clone3},
    Denial{"close_range", SYS_close_range},
    Denial{"faccessat2", SYS_faccessat2},
    Denial{"keyctl", SYS_keyctl},
    Denial{"memfd_create", SYS_memfd_create},
    Denial{"openat2", SYS_openat2},
    Denial{"pidfd_open", SYS_pidfd_open},
    Denial{"pidfd_send_signal", SYS_pidfd_send_signal},
    Denial{"statx", SYS_statx},
};

constexpr std::array mount_api{
    Denial{"open_tree", SYS_open_tree}, Denial{"move_mount", SYS_move_mount},
    Denial{"fsopen", SYS_fsopen},       Denial{"fsconfig", SYS_fsconfig},
    Denial{"fsmount", SYS_fsmount},     Denial{"mount_setattr", SYS_mount_setattr},
};

// CLOSE_RANGE_CLOEXEC: 5.11, mount_setattr: 5.12, descriptors for overlay's
// layers: 6.13 (FSCONFIG_SET_FD, 5, is the only odd one above 3 that we give),
// MFD_EXEC and MFD_NOEXEC_SEAL: 6.3.
constexpr std::array linux_5_10{
    Denial{"close_range", SYS_close_range, EINVAL, 2, 4},
    Denial{"mount_setattr", SYS_mount_setattr},
    Denial{"memfd_create", SYS_memfd_create, EINVAL, 1, 0x18},
};

void add_denial(std::vector<sock_filter>& program, const Denial& denial) {
    auto statement = [&](unsigned code, unsigned k) { program.push_back({static_cast<uint16_t>(code), 0, 0, k}); };
    auto jump = [&](unsigned code, unsigned k, uint8_t yes, uint8_t no) {
        program.push_back({static_cast<uint16_t>(code), yes, no, k});
    };
    unsigned answer = SECCOMP_RET_ERRNO | static_cast<unsigned>(denial.code);
    if (denial.argument < 0) {
        jump(BPF_JMP | BPF_JEQ | BPF_K, denial.number, 0, 1);
        statement(BPF_RET | BPF_K, answer);
        return;
    }
    jump(BPF_JMP | BPF_JEQ | BPF_K, denial.number, 0, 4);
    statement(BPF_LD | BPF_W | BPF_ABS,
              static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(denial.argument)));
    jump(BPF_JMP | BPF_JSET | BPF_K, denial.bits, 0, 1);
    statement(BPF_RET | BPF_K, answer);
    statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
}

Result<int> code_named(std::string_view name) {
    if (name.empty() || name == "ENOSYS") return ENOSYS;
    if (name == "EPERM") return EPERM;
    if (name == "EINVAL") return EINVAL;
    return Error(ErrorKind::invalid_argument, "no errno of this table: " + std::string(name));
}

Result<void> add_named(std::vector<sock_filter>& program, std::string_view text) {
    size_t equals = text.find('=');
    std::string_view name = text.substr(0, equals);
    int code = TRY(code_named(equals == text.npos ? "" : text.substr(equals + 1)));
    bool found = false;
    auto add = [&](Denial denial, int answer) {
        denial.code = answer;
        add_denial(program, denial);
        found = true;
    };
    for (const Denial& denial : calls)
        if (denial.name == name) add(denial, code);
    for (const Denial& denial : mount_api)
        if (denial.name == name || name == "mount-api") add(denial, code);
    if (name == "linux-5.10")
        for (const Denial& denial : linux_5_10) add(denial, denial.code);
    if (!found) return Error(ErrorKind::invalid_argument, "no call of this table: " + std::string(name));
    return {};
}

} // namespace

Result<void> deny_calls(const std::string& list) {
    std::vector<sock_filter> program;
    program.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)});
    for (std::string_view rest = list; !rest.empty();) {
        size_t comma = rest.find(',');
        TRY(add_named(program, rest.substr(0, comma)));
        rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
    program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    return load_seccomp({reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)}, 0);
}

namespace {

Result<FILE*> start_without(const std::string& denied, const std::string& filter) {
    std::string program = TRY(readlink("/proc/self/exe"));
    std::string command =
        "HULL_DENIED_CALLS='" + denied + "' '" + program + "' --gtest_brief=1 --gtest_filter='" + filter + "' 2>&1";
    FILE* output = ::popen(command.c_str(), "r");
    if (!output) return Error::from_errno("popen", program);
    return output;
}

Result<void> finish_without(const std::string& denied, FILE* output) {
    std::string said;
    std::array<char, 4096> buffer{};
    while (size_t n = std::fread(buffer.data(), 1, buffer.size(), output)) said.append(buffer.data(), n);
    int status = ::pclose(output);
    if (status == 0 && said.find(" 0 tests from 0 ") == said.npos) return {};
    return Error(ErrorKind::system, "without " + denied + ":\n" + said);
}

} // namespace

Result<void> passes_without(const std::string& calls, const std::string& filter) {
    return finish_without(calls, TRY(start_without(calls, filter)));
}

Result<void> passes_without_any_of(std::initializer_list<const char*> lists, const std::string& filter) {
    std::vector<std::pair<std::string, FILE*>> runs;
    for (const char* calls : lists) runs.emplace_back(calls, TRY(start_without(calls, filter)));
    std::string failures;
    for (const auto& [calls, output] : runs)
        if (auto passed = finish_without(calls, output); !passed.ok()) failures += passed.error().message() + "\n";
    if (failures.empty()) return {};
    return Error(ErrorKind::system, failures);
}

} // namespace hull::sys
