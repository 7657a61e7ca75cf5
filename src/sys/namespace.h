// Namespaces: leaving, joining, and making a user namespace that others can use.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/abi.h" // CLONE_NEW*

namespace hull::sys {

Result<void> unshare(uint64_t clone_new_flags);
// fd: a namespace file (flags: its CLONE_NEW* type, or 0) or a pidfd (flags:
// any set of them).
Result<void> setns(BorrowedFd fd, uint64_t clone_new_flags);
// The CLONE_NEW* flag of what kind of namespace the descriptor is (ioctl_ns(2));
// an error (ENOTTY) when it is none.
Result<uint64_t> namespace_kind(BorrowedFd fd);

// A child that exists only to hold new namespaces until its parent has opened
// them; it runs no code of its own. Kills and reaps the child at the end. Not
// seen by a plain waitpid(-1) or SIGCHLD. May be made from any thread.
class NamespaceHolder {
public:
    static Result<NamespaceHolder> create(uint64_t clone_new_flags);
    NamespaceHolder(NamespaceHolder&& other) noexcept;
    NamespaceHolder& operator=(NamespaceHolder&&) = delete;
    ~NamespaceHolder();
    pid_t pid() const { return pid_; }

private:
    NamespaceHolder(pid_t pid, void* stack) : pid_(pid), stack_(stack) {}
    pid_t pid_ = 0;
    void* stack_ = nullptr;
};

// Whether the calling process's user namespace is the machine's first one.
bool in_first_user_namespace();
// Device and inode of a namespace file ("/proc/self/ns/net"): equal ones are
// the same namespace.
struct NamespaceId {
    uint64_t device = 0, inode = 0;
    bool operator==(const NamespaceId&) const = default;
};
Result<NamespaceId> namespace_id(const std::string& path);

Result<void> set_hostname(const std::string& name);
Result<void> set_domainname(const std::string& name);

} // namespace hull::sys
