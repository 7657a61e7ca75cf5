#include "apps/hull-runtime/container.h"

#include <algorithm>

#include <fcntl.h>

#include "codec/json.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/sleep.h"
#include "sys/tree.h"

namespace hull::json {

template <>
struct Codec<WallTime> {
    static Value encode(const WallTime& time) { return Value(to_rfc3339(time)); }
    static Result<WallTime> decode(const Value& v) {
        auto time = v.is_string() ? from_rfc3339(v.get_string()) : std::nullopt;
        if (!time) return detail::mismatch(v, "a time");
        return *time;
    }
};

template <>
struct Fields<oci_runtime::Container> {
    using C = oci_runtime::Container;
    static constexpr auto list = std::tuple{
        field("ociVersion", &C::oci_version),
        field("id", &C::id),
        field("pid", &C::pid),
        field("startTicks", &C::start_ticks),
        field("bundle", &C::bundle),
        field("rootfs", &C::rootfs),
        field("created", &C::created),
        field("cgroupPath", &C::cgroup_path),
        field("systemdUnit", &C::systemd_unit, Emit::omit_empty),
        field("systemdBus", &C::systemd_bus, Emit::omit_empty),
        field("owner", &C::owner),
        field("descriptors", &C::descriptors, Emit::omit_empty),
        field("annotations", &C::annotations, Emit::omit_empty),
    };
};

} // namespace hull::json

namespace hull::oci_runtime {

namespace {

constexpr const char* creating_mark = "/creating";

}

const char* name_of(Status status) {
    switch (status) {
    case Status::creating: return "creating";
    case Status::created: return "created";
    case Status::running: return "running";
    case Status::paused: return "paused";
    case Status::stopped: return "stopped";
    }
    return "?";
}

Result<void> check_id(const std::string& id) {
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
               c == '-' || c == '.';
    };
    if (id.empty()) return Error(ErrorKind::invalid_argument, "container id cannot be empty");
    if (!std::ranges::all_of(id, fits) || id == "." || id == ".." || id.size() > 255)
        return Error(ErrorKind::invalid_argument, "invalid container ID format");
    return {};
}

Result<UniqueFd> Store::reserve(const std::string& id) const {
    TRY(check_id(id));
    TRY(sys::mkdir_parents(root_, 0700));
    auto made = sys::mkdir(folder(id), 0700);
    if (!made.ok() && made.error().code() == EEXIST)
        return Error(ErrorKind::conflict, "container with given ID already exists");
    TRY(std::move(made));
    UniqueFd held = TRY(lock(id).context("container " + id + " was deleted while it was being created"));
    TRY(sys::open(folder(id) + creating_mark, O_WRONLY | O_CREAT | O_EXCL, 0600));
    return held;
}

Result<void> Store::finish(const std::string& id) const { return sys::unlink(folder(id) + creating_mark); }

Result<UniqueFd> Store::lock(const std::string& id, sys::Sharing sharing, int patience_ms) const {
    TRY(check_id(id));
    sys::Backoff backoff(patience_ms);
    for (;;) {
        auto held = sys::open(folder(id), O_RDONLY | O_DIRECTORY);
        if (!held.ok() && held.error().kind() == ErrorKind::not_found)
            return Error(ErrorKind::not_found, "container does not exist");
        TRY(held.ok() ? Result<void>() : Result<void>(held.error()));
        if (TRY(sys::try_lock(*held, sharing))) {
            // While we waited it may have been deleted, and made anew.
            auto mine = TRY(sys::stat_fd(*held));
            auto there = sys::stat(folder(id));
            if (there.ok() && there->st_ino == mine.st_ino && there->st_dev == mine.st_dev) return held;
            continue;
        }
        if (!backoff.wait())
            return Error(ErrorKind::timed_out, "container " + id + " is busy: another command is at work on it");
    }
}

Result<void> Store::save(const Container& container) const {
    return sys::replace_file(folder(container.id) + "/state.json", json::print(json::encode(container)), 0600);
}

Result<Container> Store::load(const std::string& id) const {
    TRY(check_id(id));
    auto text = sys::read_file(folder(id) + "/state.json", size_t{4} << 20);
    if (!text.ok() && text.error().kind() == ErrorKind::not_found)
        return Error(ErrorKind::not_found, "container does not exist");
    if (!text.ok()) return std::move(text).error();
    auto container = TRY(json::decode_text<Container>(*text).context("state of container " + id));
    container.creating = sys::exists(folder(id) + creating_mark);
    return container;
}

Result<model::oci::Spec> Store::load_spec(const std::string& id) const {
    std::string text = TRY(sys::read_file(folder(id) + "/config.json", size_t{4} << 20));
    return model::oci::parse_spec(text);
}

Result<runtime::Plan> Store::load_plan(const std::string& id) const {
    std::string bytes = TRY(sys::read_file(folder(id) + "/plan", runtime::max_plan_bytes));
    return runtime::decode_plan(bytes);
}

Result<void> Store::erase(const std::string& id) const {
    for (const char* name : {"gate", "plan", "config.json", "creating", "state.json"}) {
        auto gone = sys::unlink(folder(id) + "/" + name);
        if (!gone.ok() && gone.error().kind() != ErrorKind::not_found && gone.error().code() != ENOTDIR) return gone;
    }
    return sys::remove_tree(folder(id));
}

Result<std::vector<Container>> Store::list() const {
    std::vector<Container> out;
    auto names = sys::list_dir(root_);
    if (!names.ok() && names.error().kind() == ErrorKind::not_found) return out;
    if (!names.ok()) return std::move(names).error();
    std::ranges::sort(*names);
    for (const std::string& name : *names)
        if (auto container = load(name); container.ok()) out.push_back(std::move(*container));
    return out;
}

bool is_alive(const Container& container) {
    if (container.pid <= 0) return false;
    // The descriptor first: what the ticks say is then about its process.
    auto pidfd = sys::pidfd_open(container.pid);
    if (!pidfd.ok()) return false;
    auto ticks = sys::start_ticks(container.pid);
    return ticks.ok() && *ticks == container.start_ticks && !sys::pidfd_ended(*pidfd);
}

Status status_of(const Container& container, const Store& store, const kernel::cgroup::Cgroups& cgroups) {
    if (!is_alive(container)) return Status::stopped;
    if (container.creating) return Status::creating;
    auto frozen = cgroups.frozen(container.cgroup_path);
    if (frozen.ok() && *frozen) return Status::paused;
    return sys::exists(store.folder(container.id) + "/gate") ? Status::created : Status::running;
}

std::optional<std::string> user_name(std::string_view passwd, uint32_t uid) {
    const std::string wanted = std::to_string(uid);
    while (!passwd.empty()) {
        std::string_view line = passwd.substr(0, passwd.find('\n'));
        passwd.remove_prefix(std::min(passwd.size(), line.size() + 1));
        size_t name_end = line.find(':');
        if (name_end == 0 || name_end == line.npos) continue;
        size_t password_end = line.find(':', name_end + 1);
        if (password_end == line.npos) continue;
        std::string_view id = line.substr(password_end + 1);
        if (id.substr(0, id.find(':')) == wanted) return std::string(line.substr(0, name_end));
    }
    return std::nullopt;
}

std::string hook_state(const Container& container, const char* status) {
    json::Object state{{"ociVersion", container.oci_version}, {"id", container.id}};
    if (*status) state["status"] = status;
    if (*status && container.pid > 0) state["pid"] = container.pid;
    state["bundle"] = container.bundle;
    if (!container.annotations.empty()) state["annotations"] = json::encode(container.annotations);
    return json::print(state);
}

} // namespace hull::oci_runtime
