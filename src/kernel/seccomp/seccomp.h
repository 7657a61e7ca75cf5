// Seccomp profiles of the OCI specification, made into BPF.
//
// The bytes are all that a starting process needs: it gives them to
// sys::load_seccomp().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::kernel::seccomp {

struct Filter {
    std::string program; // struct sock_filter[] as bytes; empty: allow everything
    uint32_t flags = 0;  // SECCOMP_FILTER_FLAG_*
    // Where SCMP_ACT_NOTIFY is used (flags have NEW_LISTENER then): the socket
    // that the listener goes to, and what it is told. Otherwise empty.
    std::string listener_path, listener_metadata;
};

// Names of system calls that no architecture has are left out, as runc does;
// calls newer than those the profile names get ENOSYS instead of the default
// errno (programs then fall back to older ones). How rules combine: README.
// Errors, with the JSON path: invalid_argument.
Result<Filter> compile(const model::oci::Seccomp& profile);

// Equal for equal profiles.
std::string cache_key(const model::oci::Seccomp& profile);

} // namespace hull::kernel::seccomp
