#include "kernel/cgroup/own_places.h"

#include <algorithm>
#include <set>

#include "sys/file.h"

namespace hull::kernel::cgroup {

namespace {

std::vector<std::string> parts_of(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        std::string_view part = text.substr(0, text.find(separator));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        if (!part.empty()) parts.emplace_back(part);
    }
    return parts;
}

// One line of /proc/self/cgroup: "4:memory:/path", v2 "0::/path".
struct OwnPath {
    std::vector<std::string> controllers; // empty: v2
    std::string path;
};

std::vector<OwnPath> parse_own(std::string_view text) {
    std::vector<OwnPath> out;
    for (const std::string& line : parts_of(text, '\n')) {
        size_t first = line.find(':');
        size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
        if (second == line.npos) continue;
        out.push_back({parts_of(line.substr(first + 1, second - first - 1), ','), line.substr(second + 1)});
    }
    return out;
}

// Whether the mount is of the hierarchy that the line is about.
bool is_of(const MountRecord& mount, const OwnPath& own) {
    if (own.controllers.empty()) return mount.fs_type == "cgroup2";
    if (mount.fs_type != "cgroup") return false;
    auto options = parts_of(mount.super_options, ',');
    return std::ranges::all_of(own.controllers, [&](const std::string& controller) {
        return std::ranges::find(options, controller) != options.end();
    });
}

// A mount shows what lies below its root only.
bool below_root(const MountRecord& mount, const OwnPath& own, std::string& path) {
    if (!is_below(own.path, mount.root) || own.path.find("/..") != std::string::npos) return false;
    path = mount.root == "/" ? own.path : own.path.substr(mount.root.size());
    if (path == "/") path.clear();
    return true;
}

} // namespace

std::vector<Dir> places_of(const std::vector<MountRecord>& mounts, std::string_view text) {
    auto own = parse_own(text);
    // As seen by mounts: a v1 hierarchy that isn't mounted here is not used.
    bool has_v1 = std::ranges::any_of(mounts, [](const MountRecord& mount) {
        return mount.fs_type == "cgroup" && mount.super_options.find("name=") == std::string::npos;
    });
    std::vector<Dir> places;
    for (const OwnPath& one : own) {
        if (one.controllers.empty() && has_v1) continue;
        if (!one.controllers.empty() && !has_v1) continue;
        for (const MountRecord& mount : mounts) {
            Dir dir;
            if (!is_of(mount, one) || !below_root(mount, one, dir.path)) continue;
            dir.hierarchy = mount.mount_point;
            dir.unified = one.controllers.empty();
            if (!dir.unified) dir.name = mount.mount_point.substr(mount.mount_point.rfind('/') + 1);
            places.push_back(std::move(dir));
            break;
        }
    }
    return places;
}

Result<std::vector<Dir>> own_places() {
    auto mounts = TRY(read_mount_table());
    std::string own = TRY(sys::read_file("/proc/self/cgroup"));
    auto places = places_of(mounts, own);
    std::erase_if(places, [](const Dir& dir) { return !sys::exists(dir.folder()); });
    return places;
}

Result<std::string> path_near_own(const std::string& name) {
    for (const Dir& dir : TRY(own_places())) {
        std::string parent = dir.path;
        if (dir.unified) parent.resize(std::min(parent.size(), parent.rfind('/')));
        if (sys::may_write(dir.hierarchy + parent)) return parent + "/" + name;
    }
    return std::string();
}

namespace {

std::string folder_above(const std::string& folder) { return folder.substr(0, folder.rfind('/')); }

// The lowest of the folders above dir's that is there.
std::string lowest_above(const Dir& dir) {
    std::string folder = folder_above(dir.folder());
    while (folder.size() > dir.hierarchy.size() && !sys::exists(folder)) folder = folder_above(folder);
    return folder;
}

// v2: who moves a process must be allowed to in the folder above both places.
bool may_move_into(const Dir& dir, const std::vector<Dir>& own) {
    auto here = std::ranges::find(own, dir.hierarchy, &Dir::hierarchy);
    if (here == own.end()) return false;
    std::string common = here->folder();
    while (common.size() > dir.hierarchy.size() && !is_below(dir.folder(), common)) common = folder_above(common);
    return sys::may_write(common + "/cgroup.procs");
}

bool may_use(const Dir& dir, const std::vector<Dir>& own) {
    if (!sys::may_write(lowest_above(dir))) return false;
    return !dir.unified || may_move_into(dir, own);
}

// The controllers that a new folder below this one has.
std::set<std::string> handed_down(const std::string& folder) {
    auto names_in = [](const std::string& file) {
        auto text = sys::read_file(file);
        if (text.ok() && !text->empty() && text->back() == '\n') text->pop_back();
        return text.ok() ? parts_of(*text, ' ') : std::vector<std::string>{};
    };
    std::string control = folder + "/cgroup.subtree_control";
    // Refused while the folder holds processes itself.
    for (const std::string& name : names_in(folder + "/cgroup.controllers"))
        (void)sys::write_existing(control, "+" + name);
    auto names = names_in(control);
    return {names.begin(), names.end()};
}

void add_undone(const Write& write, std::vector<std::string>& to) {
    // "max" and what is only there to make the folder usable limit nothing.
    if (write.inherit || write.value == "max") return;
    to.push_back(write.file + "=" + write.value);
}

void leave_out_controllers(Dir& dir, std::vector<std::string>& unlimited) {
    if (dir.writes.empty()) return;
    auto controllers = handed_down(lowest_above(dir));
    std::erase_if(dir.writes, [&](const Write& write) {
        std::string controller = write.file.substr(0, write.file.find('.'));
        if (controller == "cgroup" || controllers.contains(controller)) return false;
        add_undone(write, unlimited);
        return true;
    });
}

} // namespace

Result<Permitted> permitted_part(const Plan& plan) {
    Permitted out{plan, {}};
    out.plan.dirs.clear();
    auto own = TRY(own_places());
    for (const Dir& planned : plan.dirs) {
        if (!may_use(planned, own)) {
            for (const Write& write : planned.writes) add_undone(write, out.unlimited);
            continue;
        }
        Dir dir = planned;
        if (dir.unified) leave_out_controllers(dir, out.unlimited);
        dir.device_program.clear();
        out.plan.dirs.push_back(std::move(dir));
    }
    return out;
}

} // namespace hull::kernel::cgroup
