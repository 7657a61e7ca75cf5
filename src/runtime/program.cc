#include "runtime/program.h"

#include <cerrno>
#include <string_view>

#include <sys/stat.h>

#include "sys/file.h"

namespace hull::runtime {

namespace {

// Docker's users know Go's spelling of these.
std::string reason(int code) {
    switch (code) {
    case ENOENT: return "no such file or directory";
    case EACCES: return "permission denied";
    case EPERM: return "operation not permitted";
    case EISDIR: return "is a directory";
    case ENOTDIR: return "not a directory";
    case ENOEXEC: return "exec format error";
    case ELOOP: return "too many levels of symbolic links";
    case ENAMETOOLONG: return "file name too long";
    case E2BIG: return "argument list too long";
    case ETXTBSY: return "text file busy";
    default: return Error::from_errno("", code).message().substr(2);
    }
}

ErrorKind kind_of(int code) {
    return code == ENOENT || code == ENOTDIR ? ErrorKind::no_such_program : ErrorKind::not_executable;
}

Error cannot(const std::string& name, const std::string& why, ErrorKind kind) {
    return Error(kind, "exec: \"" + name + "\": " + why);
}

// 0, or the errno that says why path can't be executed.
int check_executable(const std::string& path, bool& missing) {
    auto info = sys::stat(path);
    missing = !info.ok();
    if (!info.ok()) return info.error().code();
    if (S_ISDIR(info->st_mode)) return EISDIR;
    auto allowed = sys::may_execute(path);
    return allowed.ok() ? 0 : allowed.error().code();
}

std::string_view path_of(std::span<const std::string> env) {
    for (const auto& entry : env)
        if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
    return {};
}

} // namespace

Result<std::string> find_program(const std::string& name, std::span<const std::string> env) {
    bool missing = false;
    if (name.find('/') != name.npos) {
        int code = check_executable(name, missing);
        if (code == 0) return name;
        return cannot(name, (missing ? "stat " + name + ": " : "") + reason(code), kind_of(code));
    }
    std::string_view path = path_of(env);
    while (!name.empty() && !path.empty()) {
        size_t colon = path.find(':');
        std::string folder(path.substr(0, colon));
        path.remove_prefix(colon == path.npos ? path.size() : colon + 1);
        std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
        if (check_executable(candidate, missing) == 0) return candidate;
    }
    return cannot(name, "executable file not found in $PATH", ErrorKind::no_such_program);
}

Error exec_failure(const std::string& path, int code) {
    return Error(kind_of(code), "exec " + path + ": " + reason(code)).with_code(code);
}

} // namespace hull::runtime
