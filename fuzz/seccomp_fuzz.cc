// links: hull_kernel hull_model seccomp
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/seccomp/bpf_machine.h"
#include "kernel/seccomp/libseccomp_oracle.h"
#include "kernel/seccomp/seccomp.h"
#include "model/oci_spec.h"

using namespace hull;
using namespace hull::kernel::seccomp;

static void require(bool holds) {
    if (!holds) __builtin_trap();
}

// Values on both sides of everything that the profile compares with.
static std::vector<uint64_t> values_of(const model::oci::Seccomp& profile) {
    std::vector<uint64_t> out{0, UINT64_MAX};
    for (const auto& rule : profile.syscalls)
        for (const auto& arg : rule.args)
            for (uint64_t value : {arg.value, arg.value_two, arg.value & arg.value_two})
                for (uint64_t near : {value - 1, value, value + 1, value ^ (uint64_t{1} << 32)}) out.push_back(near);
    if (out.size() > 64) out.resize(64);
    return out;
}

// Every number of the architecture; with one value for all arguments, those
// that have conditions with each of the values in each argument.
static void compare(const model::oci::Seccomp& profile, const Architecture& arch, BpfMachine& ours) {
    if (oracle::token_of(arch) == 0) return;
    oracle::Rules rules(profile, arch);
    std::string program = oracle::libseccomp_program(profile, arch);
    BpfMachine theirs(program);
    auto values = values_of(profile);
    auto try_one = [&](uint32_t number, const uint64_t(&args)[6]) {
        seccomp_data data = oracle::call(arch, number, args);
        oracle::Answer expected = rules.answer(number, args);
        auto answer = ours.run(data);
        require(answer == expected.action);
        if (!program.empty() && !expected.beyond && !expected.disputed) require(theirs.run(data) == answer);
    };
    auto conditional = rules.numbers_with_rules();
    for (uint32_t n = 0; n < 700; ++n) {
        uint32_t number = arch.base + n;
        uint64_t args[6] = {};
        try_one(number, args);
        if (!std::ranges::binary_search(conditional, number)) continue;
        for (uint64_t all : values) {
            std::ranges::fill(args, all);
            try_one(number, args);
            for (uint64_t& one : args)
                for (uint64_t value : values) {
                    one = value;
                    try_one(number, args);
                    one = all;
                }
        }
    }
}

static bool libseccomp_knows_all(const model::oci::Seccomp& profile) {
    for (const auto& rule : profile.syscalls)
        for (const auto& name : rule.names) {
            if (!find_syscall(name)) continue;
            for (const Architecture& arch : architectures()) {
                auto number = number_of(*find_syscall(name), arch);
                const auto& known = oracle::numbers(arch);
                auto at = known.find(name);
                if (number.has_value() != (at != known.end())) return false;
            }
        }
    return true;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto profile = model::oci::parse_seccomp({reinterpret_cast<const char*>(data), size});
    if (!profile.ok()) return 0;
    auto filter = compile(*profile);
    if (!filter.ok() || filter->program.empty()) return 0;
    BpfMachine ours(filter->program);
    // Every path ends within the program, whatever the architecture.
    for (uint32_t number : {0U, 1U, 500U, 0x40000000U, UINT32_MAX}) {
        seccomp_data call{};
        call.nr = static_cast<int>(number);
        require(ours.run(call).has_value());
    }
    if (!libseccomp_knows_all(*profile)) return 0;
    // libseccomp needs milliseconds for each.
    if (profile->architectures.size() > 2) profile->architectures.resize(2);
    filter = compile(*profile);
    BpfMachine fewer(filter->program);
    compare(*profile, native_architecture(), fewer);
    for (const auto& name : profile->architectures) compare(*profile, *find_architecture(name), fewer);
    return 0;
}
