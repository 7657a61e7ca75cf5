#include "api/routes.h"

#include <array>

#include "api/handlers.h"

namespace hull::api {

namespace {

using enum http::Method;

constexpr auto table = std::to_array<Route>({
    // The ones on the way of a `run` first.
    {head, "/_ping", ping},
    {get, "/_ping", ping},
    {post, "/containers/create", create_container},
    {post, "/containers/{name}/attach", attach_container},
    {post, "/containers/{name}/wait", wait_container},
    {post, "/containers/{name}/start", start_container},
    {post, "/containers/{name}/resize", resize_container},
    {get, "/containers/json", list_containers},
    {get, "/containers/{name}/json", inspect_container},
    {post, "/containers/{name}/exec", create_exec},
    {post, "/exec/{name}/start", start_exec},
    {post, "/exec/{name}/resize", resize_exec},
    {get, "/exec/{name}/json", inspect_exec},

    {get, "/containers/{name}/logs", container_logs},
    {get, "/containers/{name}/attach/ws", attach_websocket},
    {get, "/containers/{name}/stats", container_stats},
    {get, "/containers/{name}/top", top_container},
    {post, "/containers/{name}/stop", stop_container},
    {post, "/containers/{name}/restart", restart_container},
    {post, "/containers/{name}/kill", kill_container},
    {post, "/containers/{name}/pause", pause_container},
    {post, "/containers/{name}/unpause", unpause_container},
    {post, "/containers/{name}/rename", rename_container},
    {post, "/containers/{name}/update", update_container},
    {post, "/containers/prune", prune_containers},
    {delete_, "/containers/{name}", remove_container},
    {head, "/containers/{name}/archive", stat_archive},
    {get, "/containers/{name}/archive", get_archive},
    {put, "/containers/{name}/archive", put_archive},
    {get, "/containers/{name}/changes", container_changes},
    {get, "/containers/{name}/export", export_container},
    {post, "/commit", commit_container},

    {get, "/hull/check", check_engine},
    {post, "/hull/check", check_engine},
    {get, "/hull/volumes/{name}/snapshots", list_volume_snapshots},
    {post, "/hull/volumes/{name}/snapshots", make_volume_snapshot},
    {post, "/hull/volumes/{name}/restore", restore_volume},
    {post, "/hull/volumes/{name}/clone", clone_volume},
    {get, "/hull/build/mount", export_build_mount},
    {post, "/hull/build/mount", import_build_mount},
    {get, "/hull/volumes/{name}/export", export_volume},
    {post, "/hull/volumes/{name}/import", import_volume},
    {post, "/hull/volumes/{name}/resize", resize_volume},

    {get, "/images/json", list_images},
    {get, "/images/get", save_images},
    {get, "/images/{name}/json", inspect_image},
    {get, "/images/{name}/history", image_history},
    {get, "/images/{name}/attestations", image_attestations},
    {get, "/images/{name}/get", save_image},
    {post, "/images/create", create_image},
    {post, "/images/load", load_images},
    {post, "/images/prune", prune_images},
    {get, "/images/search", search_images},
    {post, "/images/{name}/push", push_image},
    {post, "/images/{name}/tag", tag_image},
    {get, "/distribution/{name}/json", inspect_distribution},
    {post, "/auth", check_auth},
    {delete_, "/images/{name}", remove_image},

    {post, "/build", build_image},

    {get, "/version", version},
    {get, "/info", info},
    {get, "/events", events},
    {get, "/system/df", disk_usage},

    {get, "/networks", list_networks},
    {get, "/networks/", list_networks},
    {get, "/networks/{name}", inspect_network},
    {delete_, "/networks/{name}", remove_network},
    {post, "/networks/prune", prune_networks},
    {post, "/networks/create", create_network},
    {post, "/networks/{name}/connect", connect_network},
    {post, "/networks/{name}/update", update_network},
    {post, "/networks/{name}/disconnect", disconnect_network},
    {get, "/volumes", list_volumes},
    {get, "/volumes/{name}", inspect_volume},
    {put, "/volumes/{name}", update_volume},
    {delete_, "/volumes/{name}", remove_volume},
    {post, "/volumes/create", create_volume},
    {post, "/volumes/prune", prune_volumes},

    {get, "/plugins", no_plugins},
    {get, "/plugins/privileges", no_plugin_install},
    {post, "/plugins/pull", no_plugin_install},
    {post, "/plugins/create", no_plugin_create},
    {get, "/plugins/{name}/json", no_such_plugin},
    {post, "/plugins/{name}/enable", no_plugin_switch},
    {post, "/plugins/{name}/disable", no_such_plugin},
    {post, "/plugins/{name}/upgrade", no_such_plugin},
    {post, "/plugins/{name}/push", no_such_plugin},
    {post, "/plugins/{name}/set", no_such_plugin},
    {delete_, "/plugins/{name}", no_such_plugin},
    {get, "/swarm", no_swarm},
    {post, "/swarm/init", no_swarm_init},
    {post, "/swarm/join", no_swarm_join},
    {post, "/swarm/leave", no_swarm_leave},
    {post, "/swarm/update", no_swarm_update},
    {get, "/swarm/unlockkey", no_swarm},
    {post, "/swarm/unlock", no_swarm},
    {get, "/nodes", no_swarm},
    {get, "/nodes/{name}", no_swarm},
    {delete_, "/nodes/{name}", no_swarm},
    {post, "/nodes/{name}/update", no_node_update},
    {get, "/services", no_swarm},
    {post, "/services/create", no_swarm},
    {get, "/services/{name}/logs", no_swarm_logs},
    {get, "/services/{name}", no_swarm},
    {delete_, "/services/{name}", no_swarm},
    {post, "/services/{name}/update", no_service_update},
    {get, "/tasks", no_swarm},
    {get, "/tasks/{name}/logs", no_swarm_logs},
    {get, "/tasks/{name}", no_swarm},
    {get, "/secrets", no_swarm},
    {post, "/secrets/create", no_swarm},
    {get, "/secrets/{name}", no_swarm},
    {delete_, "/secrets/{name}", no_swarm},
    {post, "/secrets/{name}/update", no_secret_update},
    {get, "/configs", no_swarm},
    {post, "/configs/create", no_swarm},
    {get, "/configs/{name}", no_swarm},
    {delete_, "/configs/{name}", no_swarm},
    {post, "/configs/{name}/update", no_config_update},
    {post, "/session", open_session},
    {post, "/grpc", serve_grpc},
    {post, "/build/cancel", cancel_build},
    {post, "/build/prune", prune_build_cache},

    // Known to clients, not to this engine: say so instead of "page not found".
});

} // namespace

std::span<const Route> routes() { return table; }

std::optional<std::string_view> match_pattern(std::string_view pattern, std::string_view path) {
    size_t open = pattern.find('{');
    if (open == pattern.npos) {
        if (pattern != path) return std::nullopt;
        return std::string_view{};
    }
    std::string_view prefix = pattern.substr(0, open);
    std::string_view suffix = pattern.substr(pattern.find('}') + 1);
    if (path.size() <= prefix.size() + suffix.size()) return std::nullopt;
    if (!path.starts_with(prefix) || !path.ends_with(suffix)) return std::nullopt;
    return path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
}

std::optional<Match> find_route(http::Method method, std::string_view path) {
    for (const Route& route : table) {
        if (route.method != method) continue;
        if (auto name = match_pattern(route.pattern, path))
            return Match{route.handler, std::string(*name), static_cast<size_t>(&route - table.data())};
    }
    return std::nullopt;
}

} // namespace hull::api
