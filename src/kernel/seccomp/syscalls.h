// The kernel's system calls by name, for every architecture that a profile
// can name. The table is data that tools/make_syscall_table made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hull::kernel::seccomp {

// How the numbers of an architecture are counted; a column of the table.
enum class Column : uint8_t {
    x86_64,
    x86,
    x32,
    aarch64,
    arm,
    loongarch64,
    m68k,
    mips,
    mips64,
    mips64n32,
    parisc,
    parisc64,
    ppc,
    ppc64,
    riscv64,
    s390,
    s390x,
    sh,
};

enum class Width : uint8_t { bits32, bits64 };
enum class Endian : uint8_t { little, big };
// Has socketcall(2) and ipc(2): calls reached through another one's first argument.
enum class Multiplexed : uint8_t { no, yes };

// Numbers used for something else than the common, growing list.
struct NumberRange {
    uint32_t first = 0, last = 0;
};

struct Architecture {
    std::string_view name; // SCMP_ARCH_*
    uint32_t audit;        // AUDIT_ARCH_*, what seccomp_data.arch is; x86-64 and x32 share one
    Column column;
    Width width; // of the arguments that are compared
    Endian endian;
    Multiplexed multiplexed = Multiplexed::no;
    uint32_t base = 0;        // added to the table's numbers
    NumberRange special = {}; // with base; {0, 0}: none
};

std::span<const Architecture> architectures();
const Architecture& native_architecture();
// nullptr: unknown.
const Architecture* find_architecture(std::string_view name);

// A row of the table.
enum class SyscallName : uint16_t {};
std::optional<SyscallName> find_syscall(std::string_view name);
std::string_view to_string(SyscallName name);
unsigned syscall_name_count();

// nullopt: this architecture doesn't have the call.
std::optional<uint32_t> number_of(SyscallName name, const Architecture& arch);

// The call that stands for this one on multiplexed architectures, and the
// value of its first argument. call: nullopt when there is none.
struct Multiplexer {
    std::optional<SyscallName> call;
    uint32_t selector = 0;
};
Multiplexer multiplexer_of(SyscallName name);

// Bit of x32's numbers.
inline constexpr uint32_t x32_bit = 0x40000000;

} // namespace hull::kernel::seccomp
