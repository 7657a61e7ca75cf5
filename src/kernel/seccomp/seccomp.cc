#include "kernel/seccomp/seccomp.h"

#include <linux/seccomp.h>

#include "base/field_path.h"
#include "kernel/seccomp/policy.h"
#include "kernel/seccomp/program.h"

namespace hull::kernel::seccomp {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using model::oci::SeccompSyscall;

Result<Filter> compile(const Seccomp& profile) {
    if (profile.listener_path.empty() && !profile.listener_metadata.empty())
        return whole_path(
            bad_field("linux.seccomp.listenerMetadata", profile.listener_metadata, "there is no listenerPath"));
    Policy policy = TRY(parse_policy(profile));
    Filter filter;
    filter.flags = policy.flags;
    if (policy.notifies) {
        if (!profile.listener_path.starts_with('/'))
            return whole_path(bad_field("linux.seccomp.listenerPath", profile.listener_path,
                                        "SCMP_ACT_NOTIFY needs the absolute path of a socket"));
        filter.flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
        filter.listener_path = profile.listener_path;
        filter.listener_metadata = profile.listener_metadata;
    } else {
        // Of a listener; the kernel wants both or neither.
        filter.flags &= ~uint32_t{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
    }
    if (policy.default_action == SECCOMP_RET_ALLOW && profile.syscalls.empty()) return filter;
    filter.program = TRY(make_program(policy));
    return filter;
}

namespace {

class KeyWriter {
public:
    void text(const std::string& s) {
        number(s.size());
        out_ += s;
    }
    void number(uint64_t n) { out_.append(reinterpret_cast<const char*>(&n), sizeof n); }
    void number(std::optional<uint32_t> n) { number(n ? uint64_t{*n} : UINT64_MAX); }
    void texts(const std::vector<std::string>& list) {
        number(list.size());
        for (const std::string& s : list) text(s);
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

} // namespace

std::string cache_key(const Seccomp& profile) {
    KeyWriter key;
    key.text(profile.default_action);
    key.number(profile.default_errno_ret);
    key.texts(profile.architectures);
    key.texts(profile.flags);
    key.text(profile.listener_path);
    key.text(profile.listener_metadata);
    key.number(profile.syscalls.size());
    for (const SeccompSyscall& rule : profile.syscalls) {
        key.texts(rule.names);
        key.text(rule.action);
        key.number(rule.errno_ret);
        key.number(rule.args.size());
        for (const SeccompArg& arg : rule.args) {
            key.number(uint64_t{arg.index});
            key.number(arg.value);
            key.number(arg.value_two);
            key.text(arg.op);
        }
    }
    return key.take();
}

} // namespace hull::kernel::seccomp
