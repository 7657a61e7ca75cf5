#include "sys/bpf.h"

#include <array>
#include <cstring>

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hull::sys {

namespace {

long bpf(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

uint64_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

} // namespace

Result<UniqueFd> bpf_load_cgroup_device(std::string_view instructions) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = address(instructions.data());
    attributes.insn_cnt = static_cast<uint32_t>(instructions.size() / sizeof(bpf_insn));
    attributes.license = address("Apache-2.0");
    long fd = bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    int code = errno;
    if (code != EINVAL && code != EACCES) return Error::from_errno("bpf", "load of a device program", code);
    // Asked again with a log only now, as a log costs memory and time.
    std::string log(16384, '\0');
    attributes.log_level = 1;
    attributes.log_buf = address(log.data());
    attributes.log_size = static_cast<uint32_t>(log.size());
    fd = bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    log.resize(std::strlen(log.c_str()));
    return Error::from_errno("bpf", "load of a device program: " + log.substr(log.size() > 300 ? log.size() - 300 : 0),
                             code);
}

Result<void> bpf_attach_cgroup_device(BorrowedFd cgroup, BorrowedFd program) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<uint32_t>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attributes) < 0) return Error::from_errno("bpf", "attach of a device program");
    return {};
}

Result<void> bpf_replace_cgroup_device(BorrowedFd cgroup, BorrowedFd program, BorrowedFd old) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<uint32_t>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<uint32_t>(old.get());
    if (bpf(BPF_PROG_ATTACH, attributes) < 0) return Error::from_errno("bpf", "replacement of a device program");
    return {};
}

Result<void> bpf_detach_cgroup_device(BorrowedFd cgroup, BorrowedFd program) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<uint32_t>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, attributes) < 0) return Error::from_errno("bpf", "detach of a device program");
    return {};
}

Result<std::vector<UniqueFd>> bpf_cgroup_device_programs(BorrowedFd cgroup) {
    std::array<uint32_t, 64> ids{}; // the kernel's own limit per cgroup
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = static_cast<uint32_t>(cgroup.get());
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = address(ids.data());
    attributes.query.prog_cnt = ids.size();
    if (bpf(BPF_PROG_QUERY, attributes) < 0) return Error::from_errno("bpf", "query of device programs");
    std::vector<UniqueFd> programs;
    uint32_t count = attributes.query.prog_cnt;
    for (uint32_t i = 0; i < count && i < ids.size(); ++i) {
        bpf_attr by_id;
        std::memset(&by_id, 0, sizeof by_id);
        by_id.prog_id = ids[i];
        long fd = bpf(BPF_PROG_GET_FD_BY_ID, by_id);
        if (fd >= 0)
            programs.emplace_back(static_cast<int>(fd));
        else if (errno != ENOENT)
            return Error::from_errno("bpf", "look-up of a device program");
    }
    return programs;
}

} // namespace hull::sys
