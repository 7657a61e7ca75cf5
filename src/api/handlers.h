// The handlers, by resource. Each answers its call or returns an Error.
#pragma once

#include "api/call.h"

namespace hull::api {

// system.cc, info.cc, disk_usage.cc
Result<void> ping(Call& call);
Result<void> version(Call& call);
Result<void> info(Call& call);
Result<void> events(Call& call);
Result<void> disk_usage(Call& call);

// containers.cc
Result<void> create_container(Call& call);
Result<void> list_containers(Call& call);
Result<void> inspect_container(Call& call);
Result<void> start_container(Call& call);
Result<void> stop_container(Call& call);
Result<void> restart_container(Call& call);
Result<void> kill_container(Call& call);
Result<void> pause_container(Call& call);
Result<void> unpause_container(Call& call);
Result<void> rename_container(Call& call);
Result<void> resize_container(Call& call);
Result<void> update_container(Call& call);
Result<void> remove_container(Call& call);
Result<void> prune_containers(Call& call);
Result<void> top_container(Call& call);

// archive.cc
Result<void> stat_archive(Call& call);
Result<void> get_archive(Call& call);
Result<void> put_archive(Call& call);
Result<void> container_changes(Call& call);
Result<void> export_container(Call& call);
Result<void> commit_container(Call& call);

// container_streams.cc, stats.cc
Result<void> attach_container(Call& call);
Result<void> attach_websocket(Call& call);
Result<void> wait_container(Call& call);
Result<void> container_logs(Call& call);
Result<void> container_stats(Call& call);

// execs.cc
Result<void> create_exec(Call& call);
Result<void> start_exec(Call& call);
Result<void> inspect_exec(Call& call);
Result<void> resize_exec(Call& call);

// images.cc, image_streams.cc
Result<void> list_images(Call& call);
Result<void> inspect_image(Call& call);
Result<void> image_history(Call& call);
Result<void> image_attestations(Call& call);
Result<void> tag_image(Call& call);
Result<void> remove_image(Call& call);
Result<void> prune_images(Call& call);
Result<void> create_image(Call& call);
Result<void> load_images(Call& call);
Result<void> save_images(Call& call);
Result<void> save_image(Call& call);

// build.cc, build_session.cc
Result<void> build_image(Call& call);
Result<void> build_with_session(Call& call);
Result<void> open_session(Call& call);
Result<void> serve_grpc(Call& call);
Result<void> cancel_build(Call& call);
Result<void> prune_build_cache(Call& call);

// registry.cc
Result<void> check_engine(Call& call); // GET and POST /hull/check
Result<void> pull_image(Call& call);   // POST /images/create without fromSrc
Result<void> push_image(Call& call);
Result<void> check_auth(Call& call);
Result<void> search_images(Call& call);
Result<void> inspect_distribution(Call& call);

// networks.cc, volumes.cc
Result<void> list_networks(Call& call);
Result<void> inspect_network(Call& call);
Result<void> remove_network(Call& call);
Result<void> prune_networks(Call& call);
Result<void> create_network(Call& call);
Result<void> connect_network(Call& call);
Result<void> disconnect_network(Call& call);
Result<void> update_network(Call& call);
Result<void> list_volumes(Call& call);
Result<void> inspect_volume(Call& call);
Result<void> create_volume(Call& call);
Result<void> remove_volume(Call& call);
Result<void> update_volume(Call& call);
Result<void> prune_volumes(Call& call);

// volume_contents.cc
Result<void> list_volume_snapshots(Call& call);
Result<void> make_volume_snapshot(Call& call);
Result<void> restore_volume(Call& call);
Result<void> clone_volume(Call& call);
Result<void> export_build_mount(Call& call);
Result<void> import_build_mount(Call& call);
Result<void> export_volume(Call& call);
Result<void> import_volume(Call& call);
Result<void> resize_volume(Call& call);

// absent.cc: what this engine does not have
Result<void> no_plugins(Call& call);
Result<void> no_such_plugin(Call& call);
Result<void> no_plugin_switch(Call& call);
Result<void> no_plugin_install(Call& call);
Result<void> no_plugin_create(Call& call);
Result<void> no_swarm(Call& call);
Result<void> no_swarm_init(Call& call);
Result<void> no_swarm_join(Call& call);
Result<void> no_swarm_leave(Call& call);
Result<void> no_swarm_update(Call& call);
Result<void> no_swarm_logs(Call& call);
Result<void> no_node_update(Call& call);
Result<void> no_service_update(Call& call);
Result<void> no_secret_update(Call& call);
Result<void> no_config_update(Call& call);
Result<void> not_yet(Call& call);

} // namespace hull::api
