// What the commands of the table run. Each takes its parsed flags and operands
// from the session and gives the exit code; an Error is printed by the program.
#pragma once

#include "apps/hull/cli/session.h"

namespace hull::cli {

// run.cc
Result<int> run_container(Session& session);
Result<int> create_container(Session& session);
// attach.cc
Result<int> attach_container(Session& session);
Result<int> start_containers(Session& session);
Result<int> wait_containers(Session& session);
// exec.cc
Result<int> exec_in_container(Session& session);
// logs.cc
Result<int> show_logs(Session& session);
// lifecycle.cc
Result<int> stop_containers(Session& session);
Result<int> restart_containers(Session& session);
Result<int> kill_containers(Session& session);
Result<int> pause_containers(Session& session);
Result<int> unpause_containers(Session& session);
Result<int> rename_container(Session& session);
Result<int> remove_containers(Session& session);
Result<int> prune_containers(Session& session);
// update.cc
Result<int> update_containers(Session& session);
// container_files.cc
Result<int> show_changes(Session& session);
Result<int> export_container(Session& session);
Result<int> commit_container(Session& session);
// ps.cc
Result<int> list_containers(Session& session);
Result<int> show_top(Session& session);
// stats.cc
Result<int> show_stats(Session& session);
// inspect.cc
Result<int> inspect_any(Session& session);
Result<int> inspect_containers(Session& session);
Result<int> inspect_images(Session& session);
// images.cc
Result<int> list_images(Session& session);
Result<int> show_history(Session& session);
// image_changes.cc
Result<int> tag_image(Session& session);
Result<int> remove_images(Session& session);
Result<int> prune_images(Session& session);
// image_compare.cc
Result<int> diff_images(Session& session);
Result<int> show_image_tree(Session& session);
// image_files.cc
Result<int> import_image(Session& session);
Result<int> load_images(Session& session);
Result<int> save_images(Session& session);
// build.cc
Result<int> build_image(Session& session);
// copy.cc
Result<int> copy_files(Session& session);
// ports.cc
Result<int> show_ports(Session& session);
// registry.cc
Result<int> pull_images(Session& session);
Result<int> push_images(Session& session);
Result<int> search_images(Session& session);
// login.cc
Result<int> log_in(Session& session);
Result<int> log_out(Session& session);
// networks.cc
Result<int> connect_network(Session& session);
Result<int> create_network(Session& session);
Result<int> disconnect_network(Session& session);
Result<int> update_networks(Session& session);
Result<int> inspect_networks(Session& session);
Result<int> list_networks(Session& session);
Result<int> prune_networks(Session& session);
Result<int> remove_networks(Session& session);
// volumes.cc
Result<int> create_volume(Session& session);
Result<int> inspect_volumes(Session& session);
Result<int> list_volumes(Session& session);
Result<int> prune_volumes(Session& session);
Result<int> remove_volumes(Session& session);
// volume_contents.cc
Result<int> snapshot_volume(Session& session);
Result<int> list_snapshots(Session& session);
Result<int> restore_volume(Session& session);
Result<int> clone_volume(Session& session);
Result<int> export_volume(Session& session);
Result<int> export_build_mount(Session& session);
Result<int> import_build_mount(Session& session);
Result<int> import_volume(Session& session);
Result<int> resize_volume(Session& session);
// contexts.cc
Result<int> create_context(Session& session);
Result<int> inspect_contexts(Session& session);
Result<int> list_contexts(Session& session);
Result<int> remove_contexts(Session& session);
Result<int> show_context(Session& session);
Result<int> update_context(Session& session);
Result<int> use_context(Session& session);
// disk_usage.cc
Result<int> show_disk_usage(Session& session);
// prune.cc
Result<int> prune_system(Session& session);
Result<int> prune_build_cache(Session& session);
// dial.cc
Result<int> dial_stdio(Session& session);
// completion.cc
Result<int> print_completion(Session& session);
// bootstrap/
Result<int> bootstrap_image(Session& session);
// check.cc
Result<int> check_system(Session& session);
// system.cc
Result<int> show_info(Session& session);
Result<int> probe_machine(Session& session); // info --probe
std::string data_folder();                   // where an engine of this machine keeps its data, or would
Result<int> show_version(Session& session);
Result<int> show_events(Session& session);

} // namespace hull::cli
