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
// image_files.cc
Result<int> import_image(Session& session);
Result<int> load_images(Session& session);
Result<int> save_images(Session& session);
// build.cc
Result<int> build_image(Session& session);
// bootstrap/
Result<int> bootstrap_image(Session& session);
// system.cc
Result<int> show_info(Session& session);
Result<int> show_version(Session& session);
Result<int> show_events(Session& session);

} // namespace hull::cli
