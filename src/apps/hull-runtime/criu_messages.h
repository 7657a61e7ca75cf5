// CRIU's requests and responses (images/rpc.proto of CRIU, described at
// https://criu.org/RPC).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hull::oci_runtime {

enum class CriuRequest : uint8_t { dump = 1, restore = 2, pre_dump = 4, notify = 6 };
enum class CgroupMode : uint8_t { ignore = 0, soft = 3, full = 4, strict = 5, by_default = 6 };

// "" is by_default; errors: invalid_argument, runc's text.
Result<CgroupMode> parse_cgroup_mode(const std::string& text);

// What goes into criu_opts; what is at its default here is left out, or sent as
// criu's default.
struct CriuOptions {
    int images_dir = -1, work_dir = -1; // descriptors of ours
    int pid = 0;                        // dump
    std::string log_file, root, parent_images, freeze_cgroup, config_file, lsm_profile, lsm_mount_context;
    bool leave_running = false, external_unix_sockets = false, tcp_established = false, tcp_skip_in_flight = false;
    bool shell_job = false, file_locks = false, link_remap = false, auto_dedup = false, lazy_pages = false;
    bool evasive_devices = false, restore_as_sibling = false;
    CgroupMode cgroup_mode = CgroupMode::by_default;
    uint32_t empty_namespaces = 0; // CLONE_NEW*
    std::string page_server;       // address; empty: none
    int page_server_port = 0;
    std::vector<std::pair<std::string, std::string>> external_mounts; // key, value
    std::vector<std::string> external;                                // "net[4026531992]:key"
    std::vector<std::pair<std::string, int>> inherited;               // key, descriptor in criu
    std::vector<std::pair<std::string, std::string>> joined;          // namespace, path
    std::vector<std::pair<std::string, std::string>> cgroup_roots;    // controllers, path
};

std::string encode_criu_request(CriuRequest type, const CriuOptions& options);
// The answer to a notification.
std::string encode_criu_acknowledgement();

struct CriuResponse {
    CriuRequest type = CriuRequest::notify;
    bool success = false;
    std::string script; // notify: "post-dump", "setup-namespaces", "post-restore" ...
    int pid = 0;        // notify, restore
    int code = 0;       // errno
    std::string message;
};
// Errors: corrupt. Unknown fields are skipped.
Result<CriuResponse> decode_criu_response(std::string_view bytes);

const char* name_of(CriuRequest type);

} // namespace hull::oci_runtime
