#include "kernel/seccomp/syscalls.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/audit.h>

#include "kernel/seccomp/syscall_table.h"

#ifndef AUDIT_ARCH_LOONGARCH64 // linux/audit.h 5.19
#define AUDIT_ARCH_LOONGARCH64 (258 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif

namespace hull::kernel::seccomp {

namespace {

using enum Width;
using enum Endian;

constexpr uint32_t mips_o32 = 4000, mips_n64 = 5000, mips_n32 = 6000;
constexpr uint32_t arm_private = 0xf0000, stored_private = 0xf000;

constexpr auto muxed = Multiplexed::yes;
constexpr auto direct = Multiplexed::no;

constexpr std::array<Architecture, 23> all{{
    {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, Column::x86_64, bits64, little},
    {"SCMP_ARCH_X86", AUDIT_ARCH_I386, Column::x86, bits32, little, muxed},
    {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, Column::x32, bits32, little, direct, x32_bit, {x32_bit + 512, x32_bit + 547}},
    {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, Column::arm, bits32, little, direct, 0, {arm_private, UINT32_MAX}},
    {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, Column::aarch64, bits64, little},
    {"SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64, Column::loongarch64, bits64, little},
    {"SCMP_ARCH_M68K", AUDIT_ARCH_M68K, Column::m68k, bits32, big, muxed},
    {"SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS, Column::mips, bits32, big, muxed, mips_o32},
    {"SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64, Column::mips64, bits64, big, direct, mips_n64},
    {"SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32, Column::mips64n32, bits32, big, direct, mips_n32},
    {"SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL, Column::mips, bits32, little, muxed, mips_o32},
    {"SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64, Column::mips64, bits64, little, direct, mips_n64},
    {"SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32, Column::mips64n32, bits32, little, direct, mips_n32},
    {"SCMP_ARCH_PPC", AUDIT_ARCH_PPC, Column::ppc, bits32, big, muxed},
    {"SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64, Column::ppc64, bits64, big, muxed},
    {"SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE, Column::ppc64, bits64, little, muxed},
    {"SCMP_ARCH_S390", AUDIT_ARCH_S390, Column::s390, bits32, big, muxed},
    {"SCMP_ARCH_S390X", AUDIT_ARCH_S390X, Column::s390x, bits64, big, muxed},
    {"SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64, Column::riscv64, bits64, little},
    {"SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC, Column::parisc, bits32, big},
    {"SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64, Column::parisc64, bits64, big},
    {"SCMP_ARCH_SH", AUDIT_ARCH_SHEL, Column::sh, bits32, little, muxed},
    {"SCMP_ARCH_SHEB", AUDIT_ARCH_SH, Column::sh, bits32, big, muxed},
}};

#if defined(__x86_64__)
constexpr std::string_view native_name = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr std::string_view native_name = "SCMP_ARCH_AARCH64";
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::string_view native_name = "SCMP_ARCH_RISCV64";
#else
#error "name this machine's seccomp architecture"
#endif

// Where each name begins.
constexpr auto offsets = [] {
    std::array<uint16_t, table::name_count> out{};
    uint16_t at = 0;
    for (uint16_t& offset : out) {
        offset = at;
        while (table::names[at] != '\0') ++at;
        ++at;
    }
    return out;
}();

std::string_view name_at(size_t row) { return &table::names[offsets[row]]; }

// The selectors of linux/net.h (SYS_*) and linux/ipc.h (the calls of ipc(2)).
struct Selector {
    std::string_view name;
    uint8_t socketcall, ipc;
};
constexpr std::array<Selector, 32> selectors{{
    {"accept", 5, 0},      {"accept4", 18, 0},    {"bind", 2, 0},     {"connect", 3, 0},   {"getpeername", 7, 0},
    {"getsockname", 6, 0}, {"getsockopt", 15, 0}, {"listen", 4, 0},   {"msgctl", 0, 14},   {"msgget", 0, 13},
    {"msgrcv", 0, 12},     {"msgsnd", 0, 11},     {"recv", 10, 0},    {"recvfrom", 12, 0}, {"recvmmsg", 19, 0},
    {"recvmsg", 17, 0},    {"semctl", 0, 3},      {"semget", 0, 2},   {"semop", 0, 1},     {"semtimedop", 0, 4},
    {"send", 9, 0},        {"sendmmsg", 20, 0},   {"sendmsg", 16, 0}, {"sendto", 11, 0},   {"setsockopt", 14, 0},
    {"shmat", 0, 21},      {"shmctl", 0, 24},     {"shmdt", 0, 22},   {"shmget", 0, 23},   {"shutdown", 13, 0},
    {"socket", 1, 0},      {"socketpair", 8, 0},
}};

} // namespace

std::span<const Architecture> architectures() { return all; }

const Architecture* find_architecture(std::string_view name) {
    auto at = std::ranges::find(all, name, &Architecture::name);
    return at == all.end() ? nullptr : &*at;
}

const Architecture& native_architecture() {
    static constexpr auto at = std::ranges::find(all, native_name, &Architecture::name);
    return *at;
}

std::optional<SyscallName> find_syscall(std::string_view name) {
    size_t low = 0, high = table::name_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (name_at(middle) < name)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == table::name_count || name_at(low) != name) return std::nullopt;
    return static_cast<SyscallName>(low);
}

std::string_view to_string(SyscallName name) { return name_at(static_cast<size_t>(name)); }

unsigned syscall_name_count() { return table::name_count; }

std::optional<uint32_t> number_of(SyscallName name, const Architecture& arch) {
    uint32_t number = table::numbers[static_cast<size_t>(name)][static_cast<size_t>(arch.column)];
    if (number == 0xffff) return std::nullopt;
    if (number >= stored_private) number = arm_private + (number - stored_private);
    return arch.base + number;
}

Multiplexer multiplexer_of(SyscallName name) {
    static const auto socketcall = find_syscall("socketcall"), ipc = find_syscall("ipc");
    auto at = std::ranges::lower_bound(selectors, to_string(name), {}, &Selector::name);
    if (at == selectors.end() || at->name != to_string(name)) return {};
    if (at->socketcall) return {socketcall, at->socketcall};
    return {ipc, at->ipc};
}

} // namespace hull::kernel::seccomp
