// A classic BPF machine, as far as seccomp allows it; for tests and fuzzing.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>

namespace hull::kernel::seccomp {

class BpfMachine {
public:
    explicit BpfMachine(const std::string& program) : code_(program.size() / sizeof(sock_filter)) {
        if (!code_.empty()) std::memcpy(code_.data(), program.data(), code_.size() * sizeof(sock_filter));
    }

    size_t length() const { return code_.size(); }
    // Executed by the last run().
    size_t steps() const { return steps_; }

    // nullopt: an unknown instruction, a jump out of the program, a load from
    // outside of seccomp_data, or no end.
    std::optional<uint32_t> run(const seccomp_data& data) {
        uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {};
        steps_ = 0;
        for (size_t at = 0; at < code_.size(); ++at) {
            const sock_filter& i = code_[at];
            ++steps_;
            auto jump = [&](bool taken) { at += taken ? i.jt : i.jf; };
            switch (i.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                if (i.k % 4 != 0 || i.k >= sizeof data) return std::nullopt;
                std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, 4);
                break;
            case BPF_LD | BPF_MEM: a = memory[i.k % BPF_MEMWORDS]; break;
            case BPF_ST: memory[i.k % BPF_MEMWORDS] = a; break;
            case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
            case BPF_MISC | BPF_TAX: x = a; break;
            case BPF_MISC | BPF_TXA: a = x; break;
            case BPF_JMP | BPF_JA: at += i.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: jump(a == i.k); break;
            case BPF_JMP | BPF_JGT | BPF_K: jump(a > i.k); break;
            case BPF_JMP | BPF_JGE | BPF_K: jump(a >= i.k); break;
            case BPF_JMP | BPF_JSET | BPF_K: jump(a & i.k); break;
            case BPF_RET | BPF_K: return i.k;
            default: return std::nullopt;
            }
        }
        return std::nullopt;
    }

private:
    std::vector<sock_filter> code_;
    size_t steps_ = 0;
};

} // namespace hull::kernel::seccomp
