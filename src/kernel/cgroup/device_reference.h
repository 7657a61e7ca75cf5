// For tests and fuzzers: what device rules mean, said the slow way, and a machine
// for the few instructions that device_program() uses.
#pragma once

#include <array>
#include <cstring>
#include <optional>

#include <linux/bpf.h>

#include "kernel/cgroup/device_rules.h"

namespace hull::kernel::cgroup::reference {

struct Request {
    char type = 'c';
    int64_t major = 0, minor = 0;
    uint8_t access = access_read;
};

// Each access by itself, by the last rule that matches.
inline bool allowed(const std::vector<DeviceMatch>& rules, const Request& r) {
    for (uint8_t bit : {access_mknod, access_read, access_write}) {
        if (!(r.access & bit)) continue;
        bool verdict = false;
        for (const DeviceMatch& m : rules) {
            bool matches = (m.type == 'a' || m.type == r.type) && (m.major == -1 || m.major == r.major) &&
                           (m.minor == -1 || m.minor == r.minor) && (m.access & bit);
            if (matches) verdict = m.allow;
        }
        if (!verdict) return false;
    }
    return true;
}

// nullopt: an unknown instruction, or no end.
inline std::optional<bool> verdict_of(const std::string& program, const Request& r) {
    const std::array<uint32_t, 3> context{(uint32_t{r.access} << 16) | (r.type == 'b' ? 1U : 2U),
                                          static_cast<uint32_t>(r.major), static_cast<uint32_t>(r.minor)};
    std::array<uint32_t, 16> reg{};
    std::vector<bpf_insn> code(program.size() / sizeof(bpf_insn));
    if (!code.empty()) std::memcpy(code.data(), program.data(), code.size() * sizeof(bpf_insn));
    for (size_t at = 0; at < code.size(); ++at) {
        const bpf_insn& i = code[at];
        auto imm = static_cast<uint32_t>(i.imm);
        switch (i.code) {
        case BPF_LDX | BPF_MEM | BPF_W: reg[i.dst_reg] = context.at(static_cast<size_t>(i.off) / 4); break;
        case BPF_ALU | BPF_MOV | BPF_X: reg[i.dst_reg] = reg[i.src_reg]; break;
        case BPF_ALU | BPF_MOV | BPF_K: reg[i.dst_reg] = imm; break;
        case BPF_ALU | BPF_AND | BPF_K: reg[i.dst_reg] &= imm; break;
        case BPF_ALU | BPF_RSH | BPF_K: reg[i.dst_reg] >>= imm; break;
        case BPF_JMP32 | BPF_JNE | BPF_K: at += reg[i.dst_reg] != imm ? static_cast<size_t>(i.off) : 0; break;
        case BPF_JMP32 | BPF_JEQ | BPF_K: at += reg[i.dst_reg] == imm ? static_cast<size_t>(i.off) : 0; break;
        case BPF_JMP | BPF_EXIT: return reg[0] != 0;
        default: return std::nullopt;
        }
    }
    return std::nullopt;
}

} // namespace hull::kernel::cgroup::reference
