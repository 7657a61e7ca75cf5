// links: hull_kernel hull_model
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <linux/filter.h>

#include "kernel/seccomp/seccomp.h"
#include "model/oci_spec.h"

using namespace hull;

// Every jump goes forward and stays inside; the last instruction returns.
static void check(const std::string& program) {
    std::vector<sock_filter> code(program.size() / sizeof(sock_filter));
    if (!code.empty()) std::memcpy(code.data(), program.data(), code.size() * sizeof(sock_filter));
    for (size_t i = 0; i < code.size(); ++i) {
        bool jumps = BPF_CLASS(code[i].code) == BPF_JMP;
        size_t furthest = 0;
        if (jumps) furthest = BPF_OP(code[i].code) == BPF_JA ? code[i].k : std::max(code[i].jt, code[i].jf);
        if (i + 1 + furthest >= code.size() && BPF_CLASS(code[i].code) != BPF_RET) __builtin_trap();
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto profile = model::oci::parse_seccomp({reinterpret_cast<const char*>(data), size});
    if (!profile.ok()) return 0;
    // libseccomp needs milliseconds for many architectures.
    if (profile->architectures.size() > 3) profile->architectures.resize(3);
    if (auto filter = kernel::seccomp::compile(*profile); filter.ok()) check(filter->program);
    return 0;
}
