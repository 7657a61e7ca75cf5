// links: hull_kernel hull_model hull_codec
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <linux/bpf.h>

#include "kernel/cgroup/device_reference.h"
#include "kernel/cgroup/device_rules.h"
#include "model/oci_spec.h"

using namespace hull;
namespace reference = kernel::cgroup::reference;

namespace {

// Numbers that the rules name, those beside them, and others.
std::vector<int64_t> interesting(const std::vector<kernel::cgroup::DeviceMatch>& rules,
                                 int64_t kernel::cgroup::DeviceMatch::* number) {
    std::vector<int64_t> out{0, 1, UINT32_MAX};
    for (const auto& rule : rules)
        if (rule.*number >= 0 && out.size() < 12) out.push_back(rule.*number);
    return out;
}

// The program's verdict is that of the rules, for every kind of access.
void compare(const std::vector<kernel::cgroup::DeviceMatch>& rules, const std::string& program) {
    for (int64_t major : interesting(rules, &kernel::cgroup::DeviceMatch::major))
        for (int64_t minor : interesting(rules, &kernel::cgroup::DeviceMatch::minor))
            for (char type : {'b', 'c'})
                for (uint8_t access = 1; access <= kernel::cgroup::access_all; ++access) {
                    reference::Request request{type, major, minor, access};
                    if (reference::verdict_of(program, request) != reference::allowed(rules, request)) __builtin_trap();
                }
}

} // namespace

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
    compare(*rules, program);
    return 0;
}
