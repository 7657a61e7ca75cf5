// bpf(2), as far as cgroup device programs need it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// instructions: struct bpf_insn[] as bytes. A program that the kernel's
// verifier refuses gives an error with the verifier's last words.
Result<UniqueFd> bpf_load_cgroup_device(std::string_view instructions);
// Beside programs that are there already: all of them have to agree.
Result<void> bpf_attach_cgroup_device(BorrowedFd cgroup, BorrowedFd program);
// In the place of one of them, with no moment between (Linux 5.6). Error with
// code() EINVAL on kernels that can't.
Result<void> bpf_replace_cgroup_device(BorrowedFd cgroup, BorrowedFd program, BorrowedFd old);
Result<void> bpf_detach_cgroup_device(BorrowedFd cgroup, BorrowedFd program);
// The device programs attached to this very cgroup.
Result<std::vector<UniqueFd>> bpf_cgroup_device_programs(BorrowedFd cgroup);

} // namespace hull::sys
