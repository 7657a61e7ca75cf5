"""Where the runtimes are known to behave differently from what the tests say.

Each entry: the runtime, what it does, and the tests that show it. They are
expected to fail there (with some of their parameters); one without parameters
that passes after all fails the run, so that the table stays true.

`python3 tests/conformance/differences.py` prints the table of docs/runtime.md.
"""
import fnmatch
import os
import re
import subprocess

SEEN_WITH = {"crun": "1.8.1", "runc": "1.1.5"}

DIFFERENCES = [
    ("crun", "one text for whatever is wrong in the configuration, or the kernel's error of the step that failed; unused parts aren't checked", [
        "test_bad_input.py::test_an_error_names_the_place_and_the_value",
    ]),
    ("crun", "a start that fails on a limit leaves its cgroups; a relative masked path is taken; without `process` there is an internal error", [
        "test_bad_input.py::test_a_config_without_a_section",
        "test_bad_input.py::test_a_failed_start_leaves_nothing",
    ]),
    ("crun", "texts of its own, which Docker knows beside runc's; an id may have spaces and line ends; signals' names have one form; what runs can be resumed; a paused container isn't killed before it is resumed", [
        "test_bad_input.py::test_texts_that_callers_look_for",
        "test_bad_input.py::test_an_unknown_executable_format_is_said",
        "test_commands.py::test_an_id_that_is_no_name_is_refused",
        "test_commands.py::test_what_does_not_exist_is_an_error",
        "test_commands.py::test_kill_takes_names_and_numbers",
        "test_commands.py::test_kill_refuses_a_signal_that_is_none",
        "test_commands.py::test_kill_of_a_stopped_container_is_an_error",
        "test_commands.py::test_delete_needs_a_stopped_container",
        "test_commands.py::test_create_with_a_terminal_needs_a_console_socket",
        "test_commands.py::test_a_console_socket_without_a_terminal_is_an_error",
        "test_commands.py::test_resume_of_what_runs_is_an_error",
        "test_commands.py::test_kill_of_a_paused_container_works",
    ]),
    ("crun", "processes that outlive init of no pid namespace are ended by `kill --all` only", [
        "test_commands.py::test_kill_reaches_what_outlived_init",
    ]),
    ("crun", "a terminal in the foreground needs a terminal of the caller's", [
        "test_commands.py::test_line_ends_of_a_terminal_are_the_programs_own",
        "test_process.py::test_a_terminal_with_a_dev_that_can_only_be_read",
    ]),
    ("crun", "`exec --cap` leaves ambient ones as they are", [
        "test_commands.py::test_exec_cap_that_is_inheritable_is_ambient_too",
    ]),
    ("crun", "createContainer hooks run in the bundle; startContainer hooks without the seccomp filter", [
        "test_hooks.py::test_create_container_hooks_run_in_the_rootfs",
        "test_hooks.py::test_start_container_hooks_are_under_the_seccomp_filter",
    ]),
    ("crun", "an empty HOME stays; the caller's CPU affinity, too", [
        "test_process.py::test_an_empty_home_is_set_from_passwd",
        "test_process.py::test_the_callers_affinity_is_not_the_containers",
    ]),
    ("crun", "`rootfs` of the state is as in the configuration", [
        "test_commands.py::test_state_is_the_specifications_object",
    ]),
    ("crun", "not there in this version: `run --keep`, `events`, `features`, options of `ps`, sizes such as 64m, RDT flags of `update`, `--criu`, debug output", [
        "test_commands.py::test_run_keep_leaves_the_container",
        "test_commands.py::test_ps_lists_the_processes_of_the_container",
        "test_commands.py::test_update_flag",
        "test_commands.py::test_update_memory_swap",
        "test_commands.py::test_update_blkio_weight",
        "test_commands.py::test_update_refuses_rdt_where_there_is_none",
        "test_commands.py::test_events_stats_prints_one_object",
        "test_commands.py::test_events_go_on_at_the_interval",
        "test_commands.py::test_events_tell_of_an_oom",
        "test_commands.py::test_spec_rootless_maps_the_user",
        "test_commands.py::test_version_and_help",
        "test_commands.py::test_debug_logs_more",
        "test_commands.py::test_criu_flag_is_taken",
    ]),
    ("crun", "$LISTEN_FDS is passed on in another way than by socket activation's own rule", [
        "test_commands.py::test_listen_fds_are_passed_on",
    ]),
    ("crun", "exec is root in / unless a flag says otherwise, and takes any text for a user; `-g`, `--cgroup <controller>:` aren't there; a paused container is waited for", [
        "test_commands.py::test_exec_takes_over_the_containers_process_settings",
        "test_commands.py::test_exec_user_and_additional_gids",
        "test_commands.py::test_exec_user_takes_numbers_only",
        "test_commands.py::test_exec_in_a_paused_container_needs_ignore_paused",
        "test_commands.py::test_exec_cgroup_names_a_cgroup_below_the_containers",
        "test_commands.py::test_exec_refuses_a_label_that_no_module_can_apply",
        "test_users.py::test_the_process_has_the_hosts_ids_outside",
    ]),
    ("crun", "the size of the caller's terminal is set only after the program began", [
        "test_commands.py::test_run_on_a_terminal_stands_between",
    ]),
    ("crun", "written for an earlier version of the specification", [
        "test_commands.py::test_features_follow_the_specification",
        "test_commands.py::test_each_mount_option_of_features_is_accepted",
        "test_commands.py::test_features_have_each_option_of_the_specifications_table",
        "test_commands.py::test_features_tell_the_version_of_the_specification",
        "test_process.py::test_oci_version_of_1_x_is_taken",
    ]),
    ("crun", "hooks of create are told `created`; startContainer hooks have `/` for bundle", [
        "test_hooks.py::test_the_state_is_on_stdin",
    ]),
    ("crun", "`start` does not wait for the program: poststart hooks may be before the startContainer ones", [
        "test_hooks.py::test_the_order_of_kinds_and_of_entries",
    ]),
    ("crun", "`start` doesn't wait for startContainer hooks, so succeeds whatever they do; poststop hooks don't run after a failed create; what a hook writes is not in the error", [
        "test_hooks.py::test_a_failing_hook_of_create_fails_it_and_leaves_nothing",
        "test_hooks.py::test_a_failing_start_container_hook_fails_start",
        "test_hooks.py::test_a_failing_poststart_hook_fails_start_and_stops_the_container",
        "test_hooks.py::test_a_failing_poststop_hook_is_a_warning_and_the_rest_run",
        "test_hooks.py::test_what_a_hook_says_is_in_the_error",
    ]),
    ("crun", "`start` doesn't wait for startContainer hooks; a timeout of 0 is none", [
        "test_hooks.py::test_timeout_ends_a_hook_and_fails_the_start",
        "test_hooks.py::test_a_hook_that_is_not_valid_is_refused",
    ]),
    ("crun", "the owner of a default device is not applied", [
        "test_linux.py::test_the_configuration_may_change_a_default_device",
    ]),
    ("crun", "another file at a device's path is kept, without an error", [
        "test_linux.py::test_another_file_at_the_path_of_a_device_is_an_error",
    ]),
    ("crun", "flags of personality aren't checked", [
        "test_linux.py::test_a_personality_that_is_none_is_refused",
    ]),
    ("crun", "memoryPolicy: not there (specification 1.3)", [
        "test_linux.py::test_memory_policy",
        "test_linux.py::test_a_memory_policy_that_makes_no_sense_is_refused",
    ]),
    ("crun", "without SELinux the error is the kernel's, and names no label", [
        "test_linux.py::test_a_mount_label_that_cant_be_applied_fails_the_start",
        "test_process.py::test_selinux_label_that_cant_be_applied_fails_the_start",
    ]),
    ("crun", "intelRdt: without resctrl ignored, wholly or in its newer members", [
        "test_linux.py::test_intel_rdt_without_resctrl_fails_the_start",
    ]),
    ("crun", "the filter is loaded before the last steps, which need more calls than this test allows", [
        "test_linux.py::test_seccomp_default_errno_ret",
        "test_linux.py::test_seccomp_allow_after_a_strict_default",
    ]),
    ("crun", "wrong seccomp sections are taken", [
        "test_linux.py::test_seccomp_that_makes_no_sense_is_refused",
    ]),
    ("crun", "the program's own calls between the filter and exec meet the filter of these tests; `listenerPath` without NOTIFY is used", [
        "test_linux.py::test_seccomp_listener_gets_the_state_and_the_descriptor",
        "test_linux.py::test_seccomp_listener_of_exec",
        "test_linux.py::test_a_listener_path_without_notify_is_ignored",
    ]),
    ("crun", "type `bind` without the option is no bind mount", [
        "test_mounts.py::test_type_bind_needs_no_option",
    ]),
    ("crun", "the error doesn't name the file system, the option or the destination", [
        "test_mounts.py::test_an_unknown_file_system_is_an_error",
        "test_mounts.py::test_an_unknown_option_goes_to_the_file_system",
        "test_mounts.py::test_a_folder_onto_a_file_is_an_error",
    ]),
    ("crun", "flags that a bind mount's source has, and that aren't named, are lost", [
        "test_mounts.py::test_the_last_of_two_options_wins",
        "test_mounts.py::test_flags_of_a_bind_source_stay_unless_they_are_cleared",
    ]),
    ("crun", "a source that is read-only in a parent mount can't be bound in a user namespace", [
        "test_mounts.py::test_a_read_only_bind_of_a_read_only_source_in_a_user_namespace",
    ]),
    ("crun", "an option does not undo an earlier one (`ro`, then `rw`); recursive atime options and `iversion` are refused by the kernel", [
        "test_mounts.py::test_option_of_a_file_system",
        "test_mounts.py::test_option_of_a_bind",
        "test_mounts.py::test_an_option_that_the_kernel_may_not_know_is_taken",
        "test_mounts.py::test_recursive_option",
    ]),
    ("crun", "propagation options have no effect when the container's root is private", [
        "test_mounts.py::test_propagation_of_a_bind",
        "test_mounts.py::test_recursive_propagation_of_a_bind",
        "test_mounts.py::test_propagation_of_a_file_system",
    ]),
    ("crun", "the error of an idmap without a mapping is the kernel's; inner mounts of a mapped bind are lost", [
        "test_mounts.py::test_idmap_without_a_user_namespace_or_mappings_is_an_error",
        "test_mounts.py::test_ridmap_is_recursive_and_idmap_is_not",
    ]),
    ("crun", "anything below /proc can be covered", [
        "test_mounts.py::test_nothing_is_mounted_over_proc",
    ]),
    ("crun", "time namespaces: not there (specification 1.1)", [
        "test_namespaces.py::test_a_new_namespace",
        "test_namespaces.py::test_a_namespace_by_path",
        "test_namespaces.py::test_time_offsets",
        "test_namespaces.py::test_negative_time_offsets",
        "test_namespaces.py::test_exec_is_in_the_time_namespace",
        "test_namespaces.py::test_time_offsets_need_a_time_namespace",
    ]),
    ("crun", "netDevices: not there (specification 1.3)", [
        "test_namespaces.py::test_net_devices_are_moved_with_their_addresses_and_set_up",
        "test_namespaces.py::test_net_devices_may_be_renamed",
        "test_namespaces.py::test_a_net_device_that_is_not_there_is_an_error",
        "test_namespaces.py::test_net_devices_need_a_network_namespace",
        "test_namespaces.py::test_a_net_device_name_that_is_taken_is_an_error",
    ]),
    ("crun", "a type given twice is taken", [
        "test_namespaces.py::test_a_type_given_twice_is_an_error",
    ]),
    ("crun", "scheduler, ioPriority, execCPUAffinity: not there (specification 1.1 and 1.2)", [
        "test_process.py::test_scheduler_batch_with_nice",
        "test_process.py::test_scheduler_idle",
        "test_process.py::test_scheduler_fifo_with_priority_and_reset_on_fork",
        "test_process.py::test_scheduler_deadline",
        "test_process.py::test_a_scheduler_that_is_none_is_refused",
        "test_process.py::test_io_priority",
        "test_process.py::test_an_io_priority_that_is_none_is_refused",
        "test_process.py::test_exec_cpu_affinity_final_is_for_exec_only",
        "test_process.py::test_an_affinity_that_is_none_is_refused",
    ]),
    ("crun", "a relative cwd and a text as uid are taken; an unknown capability is left out without a warning", [
        "test_process.py::test_cwd_must_be_absolute",
        "test_process.py::test_a_uid_that_is_none_is_refused",
        "test_process.py::test_a_capability_that_cant_be_granted_is_a_warning",
    ]),
    ("crun", "a limit on the size of files applies to the runtime's own writing", [
        "test_process.py::test_rlimit",
    ]),
    ("crun", "burst is not set on v1", [
        "test_resources.py::test_cpu_burst",
        "test_resources.py::test_cpu_burst_above_the_quota_is_an_error",
    ]),
    ("crun", "a limit of -1 of pids or of the quota fails on v1, 0 is no limit", [
        "test_resources.py::test_cpu_quota_unlimited",
        "test_resources.py::test_pids_unlimited",
        "test_resources.py::test_pids_limit_of_0_is_a_limit",
    ]),
    ("crun", "a start that fails on a limit leaves its cgroups", [
        "test_resources.py::test_memory_swap_below_the_limit_is_an_error",
        "test_resources.py::test_cpus_that_are_not_there_are_an_error",
        "test_resources.py::test_block_io_weight",
        "test_resources.py::test_block_io_weight_device",
        "test_resources.py::test_hugepage_limits",
        "test_resources.py::test_network_class_and_priorities",
        "test_resources.py::test_rdma",
        "test_resources.py::test_unified_without_a_v2_hierarchy_is_an_error",
    ]),
    ("crun", "mappings without a user namespace, or one without mappings, are taken", [
        "test_users.py::test_mappings_need_a_user_namespace",
        "test_users.py::test_a_user_namespace_without_mappings_is_refused",
    ]),
    ("crun", "`start` returns before the startContainer hooks ended", [
        "test_users.py::test_hooks_with_a_user_namespace",
    ]),
    ("runc", "the error names the Go type or the rule, not the place in the configuration; unused parts aren't checked", [
        "test_bad_input.py::test_an_error_names_the_place_and_the_value",
    ]),
    ("runc", "errors of a text that isn't JSON don't say config.json; `null` ends runc with a panic", [
        "test_bad_input.py::test_what_is_no_configuration_is_refused",
    ]),
    ("runc", "a relative masked path is taken", [
        "test_bad_input.py::test_a_failed_start_leaves_nothing",
    ]),
    ("runc", "an unknown executable format is found after `start` returned", [
        "test_bad_input.py::test_an_unknown_executable_format_is_said",
    ]),
    ("runc", "killed in the middle of create, it leaves mounts or cgroups that `delete --force` doesn't know of", [
        "test_bad_input.py::test_delete_force_cleans_up_after_a_killed_create",
    ]),
    ("runc", "not there in this version: `run --keep`, `events`, `features`, options of `ps`, sizes such as 64m, RDT flags of `update`, `--criu`, debug output", [
        "test_commands.py::test_events_go_on_at_the_interval",
    ]),
    ("runc", "$LISTEN_FDS is passed on in another way than by socket activation's own rule", [
        "test_commands.py::test_listen_fds_are_passed_on",
    ]),
    ("runc", "exec takes no limits from the configuration; a flag in both of its forms at once is an error; a uid above 32 bits is cut off", [
        "test_commands.py::test_exec_takes_over_the_containers_process_settings",
        "test_commands.py::test_exec_env",
        "test_commands.py::test_exec_user_and_additional_gids",
        "test_commands.py::test_exec_user_takes_numbers_only",
    ]),
    ("runc", "written for an earlier version of the specification", [
        "test_commands.py::test_each_mount_option_of_features_is_accepted",
        "test_commands.py::test_features_have_each_option_of_the_specifications_table",
        "test_commands.py::test_features_tell_the_version_of_the_specification",
    ]),
    ("runc", "any `ociVersion` is taken", [
        "test_process.py::test_an_oci_version_that_is_not_compatible_is_refused",
    ]),
    ("runc", "poststart hooks run at the end of create, and are told `created`", [
        "test_hooks.py::test_the_state_is_on_stdin",
    ]),
    ("runc", "poststart hooks run at the end of create", [
        "test_hooks.py::test_the_order_of_kinds_and_of_entries",
    ]),
    ("runc", "`start` doesn't wait for startContainer hooks, so succeeds whatever they do; a failing poststart hook fails create; one poststop hook's failure skips the rest", [
        "test_hooks.py::test_a_failing_start_container_hook_fails_start",
        "test_hooks.py::test_a_failing_poststart_hook_fails_start_and_stops_the_container",
        "test_hooks.py::test_a_failing_poststop_hook_is_a_warning_and_the_rest_run",
    ]),
    ("runc", "after the timeout it waits until everything that the hook started has closed its output", [
        "test_hooks.py::test_timeout_ends_a_hook_and_fails_the_start",
    ]),
    ("runc", "it needs to open /dev/null itself after its mode was set", [
        "test_linux.py::test_the_configuration_may_change_a_default_device",
    ]),
    ("runc", "another file at a device's path is kept, without an error", [
        "test_linux.py::test_another_file_at_the_path_of_a_device_is_an_error",
    ]),
    ("runc", "`shared` of the rootfs is not applied, or `unbindable` can't be mounted", [
        "test_linux.py::test_rootfs_propagation",
    ]),
    ("runc", "personality: not there (specification 1.1)", [
        "test_linux.py::test_personality_linux32_shows_another_machine",
        "test_linux.py::test_personality_is_taken_over_by_exec",
        "test_linux.py::test_a_personality_that_is_none_is_refused",
    ]),
    ("runc", "memoryPolicy: not there (specification 1.3)", [
        "test_linux.py::test_memory_policy",
        "test_linux.py::test_a_memory_policy_that_makes_no_sense_is_refused",
    ]),
    ("runc", "without SELinux the error is the kernel's, and names no label", [
        "test_linux.py::test_a_mount_label_that_cant_be_applied_fails_the_start",
    ]),
    ("runc", "intelRdt: without resctrl ignored, wholly or in its newer members", [
        "test_linux.py::test_intel_rdt_without_resctrl_fails_the_start",
    ]),
    ("runc", "the filter is loaded before the last steps, which need more calls than this test allows", [
        "test_linux.py::test_seccomp_default_errno_ret",
        "test_linux.py::test_seccomp_allow_after_a_strict_default",
    ]),
    ("runc", "seccomp flags are refused", [
        "test_linux.py::test_seccomp_flags",
    ]),
    ("runc", "wrong seccomp sections are taken", [
        "test_linux.py::test_seccomp_that_makes_no_sense_is_refused",
    ]),
    ("runc", "the program's own calls between the filter and exec meet the filter of these tests", [
        "test_linux.py::test_seccomp_listener_gets_the_state_and_the_descriptor",
        "test_linux.py::test_seccomp_listener_of_exec",
    ]),
    ("runc", "type `bind` without the option is no bind mount", [
        "test_mounts.py::test_type_bind_needs_no_option",
    ]),
    ("runc", "a tmpfs over a folder of the image takes that folder's mode, whatever `mode=` says", [
        "test_mounts.py::test_a_tmpfs_takes_its_own_options",
    ]),
    ("runc", "the error doesn't name the file system, the option or the destination", [
        "test_mounts.py::test_an_unknown_file_system_is_an_error",
    ]),
    ("runc", "flags that a bind mount's source has, and that aren't named, are lost", [
        "test_mounts.py::test_flags_of_a_bind_source_stay_unless_they_are_cleared",
    ]),
    ("runc", "a source that is read-only in a parent mount can't be bound in a user namespace", [
        "test_mounts.py::test_a_read_only_bind_of_a_read_only_source_in_a_user_namespace",
    ]),
    ("runc", "`defaults` is refused for a file system, `ratime` and `rnostrictatime` for a bind; `iversion` by the kernel", [
        "test_mounts.py::test_option_of_a_file_system",
        "test_mounts.py::test_recursive_option",
    ]),
    ("runc", "a shared bind mount is a slave of its source's peers too", [
        "test_mounts.py::test_propagation_of_a_bind",
        "test_mounts.py::test_recursive_propagation_of_a_bind",
    ]),
    ("runc", "id-mapped mounts: not there (specification 1.1)", [
        "test_mounts.py::test_idmap_with_its_own_mappings",
        "test_mounts.py::test_idmap_takes_the_containers_mapping",
        "test_mounts.py::test_idmap_without_a_user_namespace_or_mappings_is_an_error",
        "test_mounts.py::test_one_of_two_mappings_is_an_error",
        "test_mounts.py::test_mappings_without_idmap_apply_all_the_same",
        "test_mounts.py::test_ridmap_is_recursive_and_idmap_is_not",
    ]),
    ("runc", "time namespaces: not there (specification 1.1)", [
        "test_namespaces.py::test_a_new_namespace",
        "test_namespaces.py::test_a_namespace_by_path",
        "test_namespaces.py::test_time_offsets",
        "test_namespaces.py::test_negative_time_offsets",
        "test_namespaces.py::test_exec_is_in_the_time_namespace",
        "test_namespaces.py::test_time_offsets_need_a_time_namespace",
        "test_users.py::test_everything_at_once_in_a_user_namespace",
    ]),
    ("runc", "netDevices: not there (specification 1.3)", [
        "test_namespaces.py::test_net_devices_are_moved_with_their_addresses_and_set_up",
        "test_namespaces.py::test_net_devices_may_be_renamed",
        "test_namespaces.py::test_a_net_device_that_is_not_there_is_an_error",
        "test_namespaces.py::test_net_devices_need_a_network_namespace",
        "test_namespaces.py::test_a_net_device_name_that_is_taken_is_an_error",
    ]),
    ("runc", "a configuration without `linux` ends in a panic or in the middle of the start", [
        "test_namespaces.py::test_a_config_without_linux_is_taken",
    ]),
    ("runc", "scheduler, ioPriority, execCPUAffinity: not there (specification 1.1 and 1.2)", [
        "test_process.py::test_scheduler_batch_with_nice",
        "test_process.py::test_scheduler_idle",
        "test_process.py::test_scheduler_fifo_with_priority_and_reset_on_fork",
        "test_process.py::test_scheduler_deadline",
        "test_process.py::test_a_scheduler_that_is_none_is_refused",
        "test_process.py::test_io_priority",
        "test_process.py::test_an_io_priority_that_is_none_is_refused",
        "test_process.py::test_exec_cpu_affinity_final_is_for_exec_only",
        "test_process.py::test_an_affinity_that_is_none_is_refused",
    ]),
    ("runc", "processes that outlive init of no pid namespace are ended by `kill --all` only", [
        "test_commands.py::test_kill_reaches_what_outlived_init",
    ]),
    ("runc", "a terminal in the foreground needs a terminal of the caller's", [
        "test_commands.py::test_line_ends_of_a_terminal_are_the_programs_own",
        "test_process.py::test_a_terminal_with_a_dev_that_can_only_be_read",
    ]),
    ("runc", "a createContainer hook without `env` has the process's", [
        "test_hooks.py::test_a_hook_without_env_has_the_runtimes",
    ]),
    ("runc", "startContainer hooks run before the seccomp filter is loaded", [
        "test_hooks.py::test_start_container_hooks_are_under_the_seccomp_filter",
    ]),
    ("runc", "the caller's CPU affinity stays", [
        "test_process.py::test_the_callers_affinity_is_not_the_containers",
    ]),
    ("runc", "domainname: not there (specification 1.1)", [
        "test_process.py::test_hostname_and_domainname",
    ]),
    ("runc", "burst, idle (specification 1.1) and kernelTCP are not set", [
        "test_resources.py::test_memory_kernel_tcp",
        "test_resources.py::test_cpu_burst",
        "test_resources.py::test_cpu_burst_above_the_quota_is_an_error",
        "test_resources.py::test_cpu_idle",
    ]),
    ("runc", "a limit of 0 is no limit", [
        "test_resources.py::test_pids_limit_of_0_is_a_limit",
    ]),
    ("runc", "mappings without a user namespace, or one without mappings, are taken", [
        "test_users.py::test_mappings_need_a_user_namespace",
    ]),
]


def _kind(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+\.\d+(\.\d+)?", text)
    return text.split()[0].replace("hull-runtime", "hull"), number.group() if number else ""


def matches(test, item):
    name = f"{item.path.name}::{item.name}"
    return name == test or name.partition("[")[0] == test or fnmatch.fnmatchcase(name, test.replace("[", "[[]"))


def mark(program, items):
    import pytest
    if not os.access(program, os.X_OK):
        return
    kind, version = _kind(program)
    for item in items:
        for runtime, reason, tests in DIFFERENCES:
            if runtime == kind and any(matches(test, item) for test in tests):
                # Of a test with parameters some may well pass.
                strict = SEEN_WITH[kind] == version and "[" not in item.name and kind != "hull"
                item.add_marker(pytest.mark.xfail(reason=reason, strict=strict))


def table():
    lines = ["| runtime | what it does | tests |", "|---|---|---|"]
    lines += [f"| {runtime} | {reason} | {', '.join(f'`{t}`' for t in tests)} |" for runtime, reason, tests in DIFFERENCES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
