#include "kernel/lsm.h"

#include <array>
#include <string_view>

#include <fcntl.h>

#include "sys/file.h"
#include "sys/mount.h"
#include "sys/resolve.h"

namespace hull::kernel {

namespace {

constexpr uint64_t proc_magic = 0x9fa0;

Result<UniqueFd> open_attribute(BorrowedFd proc, const std::string& name, int flags) {
    UniqueFd file = TRY(sys::open_beneath(proc, "thread-self/attr/" + name, flags, sys::Links::in_root));
    if (TRY(sys::filesystem_magic(file)) != proc_magic)
        return Error(ErrorKind::forbidden, "attr/" + name + " is not a file of procfs");
    return file;
}

// The first of the names that this kernel has.
Result<void> write_attribute(BorrowedFd proc, std::span<const std::string_view> names, const std::string& value) {
    for (size_t i = 0;; ++i) {
        auto file = open_attribute(proc, std::string(names[i]), O_WRONLY);
        if (!file.ok() && file.error().code() == ENOENT && i + 1 < names.size()) continue;
        if (!file.ok()) return std::move(file).error();
        return sys::write_all(*file, value);
    }
}

Result<std::string> read_attribute(BorrowedFd proc, const std::string& name) {
    UniqueFd file = TRY(open_attribute(proc, name, O_RDONLY));
    std::array<char, 4096> buffer{};
    size_t n = TRY(sys::read(file, buffer));
    std::string text(buffer.data(), n);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
    return text;
}

} // namespace

bool apparmor_enabled() {
    auto text = sys::read_file("/sys/module/apparmor/parameters/enabled");
    return text.ok() && text->starts_with('Y');
}

bool selinux_enabled() { return sys::exists("/sys/fs/selinux/enforce"); }

Result<void> set_exec_apparmor(BorrowedFd proc, const std::string& profile) {
    static constexpr std::array<std::string_view, 2> names{"apparmor/exec", "exec"}; // the first since Linux 5.8
    return write_attribute(proc, names, "exec " + profile).context("AppArmor profile \"" + profile + "\"");
}

Result<void> set_exec_selinux(BorrowedFd proc, const std::string& label) {
    static constexpr std::array<std::string_view, 1> names{"exec"};
    TRY(write_attribute(proc, names, label).context("SELinux label \"" + label + "\""));
    std::string now = TRY(read_attribute(proc, "exec"));
    if (now == label) return {};
    return Error(ErrorKind::forbidden, "SELinux label \"" + label + "\" reads back as \"" + now + "\"");
}

} // namespace hull::kernel
