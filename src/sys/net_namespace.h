// Being in another network namespace for the length of a scope.
#pragma once

#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// The calling thread is in net_ns from enter() until this ends. Getting back
// can't fail for a reason that can be handled: then the program ends, rather
// than go on in the wrong namespace. Move-only, bound to its thread.
class NetNamespaceScope {
public:
    static Result<NetNamespaceScope> enter(BorrowedFd net_ns);
    NetNamespaceScope(NetNamespaceScope&&) noexcept = default;
    NetNamespaceScope& operator=(NetNamespaceScope&&) = delete;
    ~NetNamespaceScope();

private:
    friend Result<UniqueFd> new_net_namespace();
    explicit NetNamespaceScope(UniqueFd home) : home_(std::move(home)) {}
    UniqueFd home_;
};

// The calling thread's network namespace.
Result<UniqueFd> current_net_namespace();
// A new, empty network namespace owned by the caller's user namespace.
Result<UniqueFd> new_net_namespace();
// Same namespace, by inode.
Result<bool> same_namespace(BorrowedFd a, BorrowedFd b);

} // namespace hull::sys
