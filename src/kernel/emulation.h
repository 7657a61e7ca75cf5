// Programs of other processors, by qemu's user mode emulation: in a user
// namespace that has its own list of them (binfmt_misc, Linux 6.7 and later).
// Sources: Documentation/admin-guide/binfmt-misc.rst; qemu-binfmt-conf.sh.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace hull::kernel {

// Where the emulator of a processor (in Go's words: arm64) is on this machine;
// nothing: it isn't, or there is none.
std::optional<std::string> find_emulator(const std::string& architecture);

// From now on programs for architecture in the calling process's user namespace,
// which is not the host's, run by program, as long as that namespace's binfmt_misc
// is mounted somewhere. program is opened here and now: it need not be there later. Errors: unsupported (the kernel has
// one list for all, or architecture is unknown), not_found (program).
Result<void> register_emulator(const std::string& architecture, const std::string& program);

} // namespace hull::kernel
