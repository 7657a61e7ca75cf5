#include "kernel/mount_options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/field_path.h"
#include "sys/mount.h"

namespace hull::kernel {

namespace {

enum class Effect : uint8_t { set, clear, propagation, data, special, ignored };

struct Option {
    std::string_view name;
    Effect effect;
    uint64_t flag = 0;
    bool atime = false; // excludes the other atime modes
};

// Sorted by name. `data`: flags of the file system, given to it as text.
constexpr std::array table{
    Option{"_netdev", Effect::ignored},
    Option{"async", Effect::ignored},
    Option{"atime", Effect::clear, MOUNT_ATTR_NOATIME, true},
    Option{"auto", Effect::ignored},
    Option{"bind", Effect::special},
    Option{"defaults", Effect::ignored},
    Option{"dev", Effect::clear, MOUNT_ATTR_NODEV},
    Option{"diratime", Effect::clear, MOUNT_ATTR_NODIRATIME},
    Option{"dirsync", Effect::data},
    Option{"exec", Effect::clear, MOUNT_ATTR_NOEXEC},
    Option{"idmap", Effect::special},
    Option{"iversion", Effect::ignored}, // those that count changes do so by themselves
    Option{"lazytime", Effect::data},
    Option{"loud", Effect::ignored},
    Option{"mand", Effect::ignored}, // gone from the kernel since 5.15
    Option{"noatime", Effect::set, MOUNT_ATTR_NOATIME, true},
    Option{"noauto", Effect::ignored},
    Option{"nodev", Effect::set, MOUNT_ATTR_NODEV},
    Option{"nodiratime", Effect::set, MOUNT_ATTR_NODIRATIME},
    Option{"noexec", Effect::set, MOUNT_ATTR_NOEXEC},
    Option{"nofail", Effect::ignored},
    Option{"noiversion", Effect::ignored},
    Option{"nolazytime", Effect::ignored},
    Option{"nomand", Effect::ignored},
    Option{"norelatime", Effect::clear, 0, true},
    Option{"nostrictatime", Effect::clear, MOUNT_ATTR_STRICTATIME, true},
    Option{"nosuid", Effect::set, MOUNT_ATTR_NOSUID},
    Option{"nosymfollow", Effect::set, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"private", Effect::propagation, MS_PRIVATE},
    Option{"rbind", Effect::special},
    Option{"relatime", Effect::set, MOUNT_ATTR_RELATIME, true},
    Option{"remount", Effect::special},
    Option{"ridmap", Effect::special},
    Option{"ro", Effect::set, MOUNT_ATTR_RDONLY},
    Option{"rprivate", Effect::propagation, MS_PRIVATE | MS_REC},
    Option{"rshared", Effect::propagation, MS_SHARED | MS_REC},
    Option{"rslave", Effect::propagation, MS_SLAVE | MS_REC},
    Option{"runbindable", Effect::propagation, MS_UNBINDABLE | MS_REC},
    Option{"rw", Effect::clear, MOUNT_ATTR_RDONLY},
    Option{"shared", Effect::propagation, MS_SHARED},
    Option{"silent", Effect::ignored},
    Option{"slave", Effect::propagation, MS_SLAVE},
    Option{"strictatime", Effect::set, MOUNT_ATTR_STRICTATIME, true},
    Option{"suid", Effect::clear, MOUNT_ATTR_NOSUID},
    Option{"symfollow", Effect::clear, MOUNT_ATTR_NOSYMFOLLOW},
    Option{"sync", Effect::data},
    Option{"tmpcopyup", Effect::special},
    Option{"unbindable", Effect::propagation, MS_UNBINDABLE},
};
static_assert(std::ranges::is_sorted(table, {}, &Option::name));

const Option* find(std::string_view name) {
    auto at = std::ranges::lower_bound(table, name, {}, &Option::name);
    return at != table.end() && at->name == name ? &*at : nullptr;
}

void apply(const Option& option, uint64_t& set, uint64_t& clear) {
    if (option.atime) {
        // One mode out of several, in one field: the whole field is replaced.
        set &= ~uint64_t{MOUNT_ATTR__ATIME};
        clear |= MOUNT_ATTR__ATIME;
        if (option.effect == Effect::set) set |= option.flag;
        return;
    }
    if (option.effect == Effect::set) {
        set |= option.flag;
        clear &= ~option.flag;
    } else {
        clear |= option.flag;
        set &= ~option.flag;
    }
}

void apply_special(std::string_view name, MountOptions& out) {
    if (name == "remount") out.remount = true;
    if (name == "bind") out.bind = true;
    if (name == "rbind") out.bind = out.recursive = true;
    if (name == "tmpcopyup") out.copy_up = true;
    if (name == "idmap") out.idmap = true;
    if (name == "ridmap") out.idmap = out.idmap_recursive = true;
}

// Comments, for mount(8) and those who read fstab(5).
bool is_comment(std::string_view name) {
    return name.starts_with("x-") || name.starts_with("X-") || name.starts_with("comment=");
}

// "rro", "rnosuid": a flag with an r before it, for the whole tree.
const Option* find_recursive(std::string_view name) {
    if (!name.starts_with('r')) return nullptr;
    const Option* option = find(name.substr(1));
    return option && (option->effect == Effect::set || option->effect == Effect::clear) ? option : nullptr;
}

void add_data(std::string_view text, MountOptions& out) {
    if (!out.data.empty()) out.data.push_back(',');
    out.data.append(text);
}

} // namespace

std::vector<std::string> known_mount_options() {
    std::vector<std::string> names;
    for (const Option& option : table) {
        names.emplace_back(option.name);
        std::string recursive = "r" + names.back();
        if (find_recursive(recursive) && !find(recursive)) names.push_back(std::move(recursive));
    }
    std::ranges::sort(names);
    return names;
}

Result<MountOptions> parse_mount_options(std::span<const std::string> options, bool is_bind) {
    MountOptions out;
    out.bind = is_bind;
    for (std::string_view name : options)
        if (name == "bind" || name == "rbind") out.bind = true;
    for (size_t i = 0; i < options.size(); ++i) {
        std::string_view name = options[i];
        const Option* option = find(name);
        if (!option) {
            if (const Option* recursive = find_recursive(name)) {
                apply(*recursive, out.set_rec, out.clear_rec);
                continue;
            }
            if (is_comment(name)) continue;
            if (out.bind) return in_element(bad_field("", name, "unknown option of a bind mount"), i);
            add_data(name, out);
            continue;
        }
        switch (option->effect) {
        case Effect::set:
        case Effect::clear: apply(*option, out.set, out.clear); break;
        case Effect::propagation: out.propagation = option->flag; break;
        case Effect::data:
            if (!out.bind) add_data(name, out);
            break;
        case Effect::special: apply_special(name, out); break;
        case Effect::ignored: break;
        }
    }
    return out;
}

} // namespace hull::kernel
