#include "kernel/emulation.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <elf.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "sys/file.h"
#include "sys/mount.h"

namespace hull::kernel {

namespace {

struct Machine {
    std::string_view architecture, qemu; // qemu: its name for it
    unsigned char elf_class, elf_data;
    uint16_t number;
};
constexpr auto machines = std::to_array<Machine>({
    {"386", "i386", ELFCLASS32, ELFDATA2LSB, EM_386},
    {"amd64", "x86_64", ELFCLASS64, ELFDATA2LSB, EM_X86_64},
    {"arm", "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM},
    {"arm64", "aarch64", ELFCLASS64, ELFDATA2LSB, EM_AARCH64},
    {"loong64", "loongarch64", ELFCLASS64, ELFDATA2LSB, 258},
    {"mips64le", "mips64el", ELFCLASS64, ELFDATA2LSB, EM_MIPS},
    {"mipsle", "mipsel", ELFCLASS32, ELFDATA2LSB, EM_MIPS},
    {"ppc64le", "ppc64le", ELFCLASS64, ELFDATA2LSB, EM_PPC64},
    {"riscv64", "riscv64", ELFCLASS64, ELFDATA2LSB, EM_RISCV},
    {"s390x", "s390x", ELFCLASS64, ELFDATA2MSB, EM_S390},
});

const Machine* machine_of(const std::string& architecture) {
    auto found = std::ranges::find(machines, architecture, &Machine::architecture);
    return found == machines.end() ? nullptr : found;
}

constexpr size_t header_bytes = 20; // of an ELF file, to its e_machine
using Header = std::array<uint8_t, header_bytes>;

Header magic_of(const Machine& machine) {
    Header out{0x7f, 'E', 'L', 'F', machine.elf_class, machine.elf_data, EV_CURRENT};
    bool little = machine.elf_data == ELFDATA2LSB;
    out[little ? 16 : 17] = ET_EXEC; // and, by the mask, ET_DYN
    out[little ? 18 : 19] = static_cast<uint8_t>(machine.number & 0xff);
    out[little ? 19 : 18] = static_cast<uint8_t>(machine.number >> 8);
    return out;
}

Header mask_of(const Machine& machine) {
    Header out;
    out.fill(0xff);
    out[7] = 0; // which system
    out[machine.elf_data == ELFDATA2LSB ? 16 : 17] = 0xfe;
    return out;
}

std::string escaped(const Header& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (uint8_t byte : bytes) {
        out += "\\x";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

} // namespace

std::optional<std::string> find_emulator(const std::string& architecture) {
    const Machine* machine = machine_of(architecture);
    if (!machine) return std::nullopt;
    // Static ones only: a container has no libraries for another.
    for (const char* folder : {"/usr/bin/", "/usr/local/bin/"})
        for (const char* end : {"-static", ""}) {
            std::string path = std::string(folder) + "qemu-" + std::string(machine->qemu) + end;
            if (sys::may_execute(path).ok()) return path;
        }
    return std::nullopt;
}

Result<void> register_emulator(const std::string& architecture, const std::string& program) {
    const Machine* machine = machine_of(architecture);
    if (!machine) return Error(ErrorKind::unsupported, "programs for " + architecture + " can't be emulated");
    auto fs = TRY(sys::NewFilesystem::open("binfmt_misc"));
    auto mounted = fs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (!mounted.ok())
        return std::move(mounted)
            .error()
            .with_kind(ErrorKind::unsupported)
            .context("this kernel has no list of emulators for each user namespace (Linux 6.7)");
    // P: argv[0] as it is, O: the program opened, C: its set-id bits count, F: the emulator opened now.
    const std::string line = ":hull-" + architecture + ":M::" + escaped(magic_of(*machine)) + ":" +
                             escaped(mask_of(*machine)) + ":" + program + ":POCF";
    return sys::write_existing_at(*mounted, "register", line).context("register the emulator " + program);
}

} // namespace hull::kernel
