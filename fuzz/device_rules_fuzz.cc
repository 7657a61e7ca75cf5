// links: hull_kernel hull_model hull_codec
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <linux/bpf.h>

#include "kernel/cgroup/device_rules.h"
#include "model/oci_spec.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto resources = model::oci::parse_resources({reinterpret_cast<const char*>(data), size});
    if (!resources.ok()) return 0;
    auto rules = kernel::cgroup::normalise(resources->devices);
    if (!rules.ok()) return 0;
    (void)kernel::cgroup::device_writes(*rules);
    std::string program = kernel::cgroup::device_program(*rules);
    std::vector<bpf_insn> code(program.size() / sizeof(bpf_insn));
    if (code.empty()) return 0;
    std::memcpy(code.data(), program.data(), program.size());
    // What the kernel's verifier asks for first: jumps stay inside, it ends.
    for (size_t i = 0; i < code.size(); ++i) {
        bool jumps = BPF_CLASS(code[i].code) == BPF_JMP32;
        if (jumps && (code[i].off < 0 || i + 1 + static_cast<size_t>(code[i].off) >= code.size())) __builtin_trap();
    }
    if (code.back().code != (BPF_JMP | BPF_EXIT)) __builtin_trap();
    return 0;
}
