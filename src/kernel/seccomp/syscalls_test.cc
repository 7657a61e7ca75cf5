#include "kernel/seccomp/syscalls.h"

#include <seccomp.h>

#include <gtest/gtest.h>

#include "kernel/seccomp/libseccomp_oracle.h"

namespace hull::kernel::seccomp {
namespace {

TEST(Syscalls, NumbersAreThoseOfTheInstalledLibseccomp) {
    int compared = 0;
    for (const Architecture& arch : architectures()) {
        if (oracle::token_of(arch) == 0) continue; // newer than it
        for (const auto& [name, number] : oracle::numbers(arch)) {
            auto known = find_syscall(name);
            ASSERT_TRUE(known) << name;
            // parisc64 never had it; libseccomp before 2.6 says so.
            if (name == "_llseek" && arch.column == Column::parisc64) continue;
            EXPECT_EQ(number_of(*known, arch), number) << name << " " << arch.name;
            ++compared;
        }
    }
    EXPECT_GT(compared, 7000);
}

TEST(Syscalls, TokensAreTheKernelsArchitectures) {
    for (const Architecture& arch : architectures()) {
        uint32_t token = oracle::token_of(arch);
        if (token == 0 || arch.column == Column::x32) continue; // x32's is libseccomp's invention
        EXPECT_EQ(arch.audit, token) << arch.name;
    }
    EXPECT_EQ(oracle::token_of(native_architecture()), seccomp_arch_native());
}

TEST(Syscalls, MultiplexedCallsAreLibseccomps) {
    int compared = 0;
    for (const Architecture& arch : architectures()) {
        if (oracle::token_of(arch) == 0) continue;
        for (unsigned row = 0; row < syscall_name_count(); ++row) {
            auto name = static_cast<SyscallName>(row);
            std::string text(to_string(name));
            int pseudo = seccomp_syscall_resolve_name_arch(oracle::token_of(arch), text.c_str());
            bool socket = pseudo <= -101 && pseudo >= -120, ipc = pseudo <= -201 && pseudo >= -224;
            Multiplexer through = multiplexer_of(name);
            if (arch.multiplexed == Multiplexed::no) continue;
            ASSERT_EQ(through.call.has_value(), socket || ipc) << text << " " << arch.name;
            if (!through.call) continue;
            EXPECT_EQ(to_string(*through.call), socket ? "socketcall" : "ipc");
            EXPECT_EQ(static_cast<int>(through.selector), -pseudo - (socket ? 100 : 200)) << text;
            ++compared;
        }
    }
    EXPECT_GT(compared, 200);
}

TEST(Syscalls, NamesAreFound) {
    for (unsigned row = 0; row < syscall_name_count(); ++row)
        EXPECT_EQ(find_syscall(to_string(static_cast<SyscallName>(row))), static_cast<SyscallName>(row));
    for (const char* name : {"", "a", "reads", "rea", "zzz", "_"}) EXPECT_FALSE(find_syscall(name)) << name;
}

TEST(Syscalls, KnowsCallsNewerThanItsHeaders) {
    const Architecture& x86_64 = *find_architecture("SCMP_ARCH_X86_64");
    EXPECT_EQ(number_of(*find_syscall("mseal"), x86_64), 462);
    EXPECT_EQ(number_of(*find_syscall("file_getattr"), *find_architecture("SCMP_ARCH_MIPS64")), 5468);
    EXPECT_EQ(number_of(*find_syscall("uretprobe"), x86_64), 335);
    EXPECT_FALSE(number_of(*find_syscall("uretprobe"), *find_architecture("SCMP_ARCH_AARCH64")));
}

} // namespace
} // namespace hull::kernel::seccomp
