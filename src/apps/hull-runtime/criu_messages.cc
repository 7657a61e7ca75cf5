#include "apps/hull-runtime/criu_messages.h"

#include "apps/hull-runtime/protobuf.h"

namespace hull::oci_runtime {

namespace {

// criu_req, criu_opts: numbers of their fields.
enum Req : uint32_t { req_type = 1, req_opts = 2, req_notify_success = 3 };
enum Opt : uint32_t {
    opt_images_dir_fd = 1,
    opt_pid = 2,
    opt_leave_running = 3,
    opt_ext_unix_sk = 4,
    opt_tcp_established = 5,
    opt_evasive_devices = 6,
    opt_shell_job = 7,
    opt_file_locks = 8,
    opt_log_level = 9,
    opt_log_file = 10,
    opt_page_server = 11,
    opt_notify_scripts = 12,
    opt_root = 13,
    opt_parent_img = 14,
    opt_track_mem = 15,
    opt_auto_dedup = 16,
    opt_work_dir_fd = 17,
    opt_link_remap = 18,
    opt_ext_mnt = 23,
    opt_manage_cgroups = 24,
    opt_cg_root = 25,
    opt_rst_sibling = 26,
    opt_inherit_fd = 27,
    opt_manage_cgroups_mode = 34,
    opt_external = 37,
    opt_empty_ns = 38,
    opt_join_ns = 39,
    opt_freeze_cgroup = 44,
    opt_tcp_skip_in_flight = 46,
    opt_lazy_pages = 48,
    opt_orphan_pts_master = 50,
    opt_config_file = 51,
    opt_lsm_profile = 53,
    opt_lsm_mount_context = 63,
};

ProtoWriter pair(std::string_view first, std::string_view second) {
    ProtoWriter out;
    out.text(1, first).text(2, second);
    return out;
}

void add_texts(const CriuOptions& o, ProtoWriter& out) {
    auto text = [&](Opt field, const std::string& value) {
        if (!value.empty()) out.text(field, value);
    };
    text(opt_log_file, o.log_file);
    text(opt_root, o.root);
    text(opt_parent_img, o.parent_images);
    text(opt_freeze_cgroup, o.freeze_cgroup);
    text(opt_config_file, o.config_file);
    text(opt_lsm_profile, o.lsm_profile);
    text(opt_lsm_mount_context, o.lsm_mount_context);
}

void add_switches(const CriuOptions& o, ProtoWriter& out) {
    auto flag = [&](Opt field, bool value) {
        if (value) out.number(field, 1);
    };
    flag(opt_leave_running, o.leave_running);
    flag(opt_ext_unix_sk, o.external_unix_sockets);
    flag(opt_tcp_established, o.tcp_established);
    flag(opt_tcp_skip_in_flight, o.tcp_skip_in_flight);
    flag(opt_evasive_devices, o.evasive_devices);
    flag(opt_shell_job, o.shell_job);
    flag(opt_file_locks, o.file_locks);
    flag(opt_link_remap, o.link_remap);
    flag(opt_auto_dedup, o.auto_dedup);
    flag(opt_lazy_pages, o.lazy_pages);
    flag(opt_rst_sibling, o.restore_as_sibling);
    flag(opt_track_mem, !o.parent_images.empty());
}

void add_lists(const CriuOptions& o, ProtoWriter& out) {
    for (const auto& [key, value] : o.external_mounts) out.message(opt_ext_mnt, pair(key, value));
    for (const auto& [controllers, path] : o.cgroup_roots) out.message(opt_cg_root, pair(controllers, path));
    for (const auto& [key, fd] : o.inherited) {
        ProtoWriter inherited;
        inherited.text(1, key).number(2, fd);
        out.message(opt_inherit_fd, inherited);
    }
    for (const std::string& external : o.external) out.text(opt_external, external);
    for (const auto& [name, path] : o.joined) out.message(opt_join_ns, pair(name, path));
}

} // namespace

Result<CgroupMode> parse_cgroup_mode(const std::string& text) {
    if (text.empty()) return CgroupMode::by_default;
    if (text == "soft") return CgroupMode::soft;
    if (text == "full") return CgroupMode::full;
    if (text == "strict") return CgroupMode::strict;
    if (text == "ignore") return CgroupMode::ignore;
    return invalid("invalid manage-cgroups-mode value");
}

std::string encode_criu_request(CriuRequest type, const CriuOptions& o) {
    constexpr int everything = 4; // log level
    ProtoWriter opts;
    opts.number(opt_images_dir_fd, o.images_dir);
    if (o.work_dir >= 0) opts.number(opt_work_dir_fd, o.work_dir);
    if (o.pid > 0) opts.number(opt_pid, o.pid);
    opts.number(opt_log_level, everything).number(opt_notify_scripts, 1).number(opt_orphan_pts_master, 1);
    opts.number(opt_manage_cgroups, 1).number(opt_manage_cgroups_mode, static_cast<int>(o.cgroup_mode));
    opts.number(opt_empty_ns, o.empty_namespaces);
    add_texts(o, opts);
    add_switches(o, opts);
    add_lists(o, opts);
    if (!o.page_server.empty()) {
        ProtoWriter server;
        server.text(1, o.page_server).number(2, o.page_server_port);
        opts.message(opt_page_server, server);
    }
    ProtoWriter request;
    request.number(req_type, static_cast<int>(type)).message(req_opts, opts);
    return request.bytes();
}

std::string encode_criu_acknowledgement() {
    ProtoWriter request;
    request.number(req_type, static_cast<int>(CriuRequest::notify)).number(req_notify_success, 1);
    return request.bytes();
}

Result<CriuResponse> decode_criu_response(std::string_view bytes) {
    auto malformed = [] { return Error(ErrorKind::corrupt, "malformed response of criu"); };
    CriuResponse out;
    ProtoReader reader(bytes);
    while (auto field = reader.next()) {
        switch (field->number) {
        case 1: out.type = static_cast<CriuRequest>(field->value); break;
        case 2: out.success = field->value != 0; break;
        case 4:   // restore: pid
        case 5: { // notify: script, pid
            ProtoReader inner(field->text);
            uint32_t pid_field = field->number == 4 ? 1 : 2;
            while (auto part = inner.next()) {
                if (part->number == pid_field) out.pid = static_cast<int>(part->value);
                if (field->number == 5 && part->number == 1) out.script = part->text;
            }
            if (!inner.complete()) return malformed();
            break;
        }
        case 7: out.code = static_cast<int>(field->value); break;
        case 9: out.message = field->text; break;
        default: break;
        }
    }
    if (!reader.complete()) return malformed();
    return out;
}

const char* name_of(CriuRequest type) {
    switch (type) {
    case CriuRequest::dump: return "DUMP";
    case CriuRequest::restore: return "RESTORE";
    case CriuRequest::pre_dump: return "PRE_DUMP";
    case CriuRequest::notify: return "NOTIFY";
    }
    return "?";
}

} // namespace hull::oci_runtime
