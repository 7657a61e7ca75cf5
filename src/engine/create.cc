#include <algorithm>

#include "base/random.h"
#include "engine/container_networks.h"
#include "engine/image_mounts.h"
#include "engine/links.h"
#include "engine/log_settings.h"
#include "engine/mount_requests.h"
#include "engine/names.h"
#include "engine/service.h"
#include "engine/systemd_inside.h"
#include "engine/validate.h"
#include "engine/volumes_from.h"
#include "image/platform.h"

namespace hull::engine {
namespace {

// The image for the platform that is asked for, in Docker's words where there is none.
Result<image::ImagePtr> find_image(const image::Images& images, const std::string& name, const std::string& wanted) {
    image::ImagePtr image = TRY(images.resolve(name));
    if (wanted.empty()) return image;
    auto platform = TRY(image::parse_platform(wanted));
    auto found = images.resolve(name, platform);
    if (found.ok() || found.error().kind() != ErrorKind::not_found) return found;
    std::string actual = image->config.os + "/" + image->config.architecture;
    if (!image->config.variant.empty()) actual += "/" + image->config.variant;
    return Error(ErrorKind::not_found, "image with reference " + name +
                                           " was found but does not provide the specified platform (" + wanted +
                                           "), actual: " + actual);
}

// An image for another machine: its programs run by an emulator, if there is one.
void note_architecture(Core& core, const image::Image& image, bool any_platform, ContainerSettings& settings,
                       std::vector<std::string>& warnings) {
    model::Platform platform;
    platform.os = image.config.os;
    platform.architecture = image.config.architecture;
    platform.variant = image.config.variant;
    if (image::runs_here(platform)) return;
    settings.architecture = platform.architecture;
    const std::string name = image::format_platform(platform);
    if (any_platform)
        warnings.push_back("The requested image's platform (" + name + ") does not match the detected host platform (" +
                           image::format_platform(image::host_platform()) + ") and no specific platform was requested");
    if (core.host.emulator(platform.architecture).empty())
        warnings.push_back("No emulator for " + platform.architecture +
                           " is installed on the engine's machine (package qemu-user-static): programs for it may not "
                           "run");
}

Result<std::string> reserve_name(Registry& registry, const std::string& asked, const ContainerId& id) {
    if (!asked.empty()) {
        std::string name = TRY(check_container_name(asked));
        TRY(registry.reserve(name, id));
        return name;
    }
    constexpr int kPlainTries = 6, kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        std::string name = random_container_name(i >= kPlainTries);
        if (registry.reserve(name, id).ok()) return name;
    }
    std::string name = id.str().substr(0, 12);
    TRY(registry.reserve(name, id));
    return name;
}

// The program and its arguments.
Result<void> set_command(ContainerSettings& settings) {
    std::vector<std::string> words;
    const auto& config = settings.config;
    if (config.entrypoint) words = *config.entrypoint;
    // `--entrypoint ""` stands for none.
    if (words.size() == 1 && words[0].empty()) words.clear();
    if (config.cmd) words.insert(words.end(), config.cmd->begin(), config.cmd->end());
    if (words.empty() || words[0].empty()) return Error(ErrorKind::invalid_argument, "no command specified");
    settings.path = words[0];
    settings.args.assign(words.begin() + 1, words.end());
    if (settings.config.stop_signal.empty() && runs_systemd(settings)) settings.config.stop_signal = kSystemdStopSignal;
    return {};
}

Result<void> set_hostname(const Core& core, ContainerSettings& settings) {
    std::string& hostname = settings.config.hostname;
    if (!hostname.empty()) return {};
    if (std::string donor = joined_container(settings.host_config.network_mode); !donor.empty()) {
        auto other = core.registry.find(donor);
        if (other.ok()) hostname = (*other)->settings().config.hostname;
    } else if (settings.host_config.network_mode == "host" || settings.host_config.uts_mode == "host") {
        std::string text = TRY(core.host.read_file("/proc/sys/kernel/hostname", 4096));
        hostname = text.substr(0, text.find('\n'));
    }
    if (hostname.empty()) hostname = settings.id.substr(0, 12);
    return {};
}

} // namespace

Result<Created> ContainersService::create(model::CreateRequest request, CreateOptions options) {
    if (request.config.image.empty()) return Error(ErrorKind::invalid_argument, "no image specified");
    const auto current = core_.current();
    Created created;
    image::ImagePtr image = TRY(find_image(core_.images, request.config.image, options.platform));
    TRY(validate_config(request.config));
    TRY(validate_host_config(request, *current, created.warnings));
    TRY(validate_machine(request.host_config, core_.host));

    ContainerSettings settings;
    settings.id = random_id();
    created.id = ContainerId(settings.id);
    settings.created = wall_now();
    settings.transient = options.transient;
    settings.image_id = image->id.str();
    if (image->chain_id) settings.chain_id = image->chain_id->str();
    note_architecture(core_, *image, options.platform.empty(), settings, created.warnings);
    settings.config = merge_config(std::move(request.config), image->config.config);
    TRY(validate_config(settings.config));
    if (!settings.config.working_dir.empty()) settings.config.working_dir = clean_path(settings.config.working_dir);
    settings.host_config = std::move(request.host_config);
    settings.networking = std::move(request.networking_config);
    TRY(check_networks(core_, settings));
    TRY(check_links(core_, settings.host_config));
    fill_defaults(settings.host_config, *current);
    TRY(set_command(settings));
    TRY(log_settings(settings));
    TRY(set_hostname(core_, settings));
    settings.mounts = TRY(resolve_mounts(settings.config, settings.host_config, core_.host));
    TRY(add_volumes_from(core_.registry, settings));
    TRY(find_image_mounts(core_.images, settings.mounts));
    auto mounted = TRY(hold_image_mounts(core_.images, settings.mounts));
    // Another container's have a place already, and are as that one left them.
    for (model::MountPoint& mount : settings.mounts)
        if (mount.type == "volume" && !mount.source.empty()) mount.no_copy = true;

    image::Lease lease = TRY(core_.images.rootfs(image->id));
    settings.name = TRY(reserve_name(core_.registry, options.name, created.id));
    std::string name = settings.name;
    auto undo = [&](const std::vector<model::MountPoint>& mounts, Error error) {
        core_.volumes->let_go(mounts, created.id.str(), VolumeKeeper::Anonymous::remove);
        (void)core_.dirs->remove(created.id);
        core_.registry.free_name(name, created.id);
        return error;
    };
    auto limit = storage_limit(settings.host_config);
    auto made = limit.ok() ? core_.dirs->create(created.id, {}, *limit) : Result<void>(limit.error());
    if (!made.ok()) return undo(settings.mounts, std::move(made).error());
    for (model::MountPoint& mount : settings.mounts) {
        if (mount.type != "volume") continue;
        auto taken = core_.volumes->take(mount, settings.id, lease.lower());
        if (!taken.ok()) return undo(settings.mounts, std::move(taken).error());
    }
    auto container =
        std::make_shared<Container>(std::move(settings), ContainerState{}, std::move(lease), std::move(mounted));
    auto saved = core_.save_settings(*container);
    if (!saved.ok()) return undo(container->settings().mounts, std::move(saved).error().context("create container"));
    core_.registry.add(container);
    core_.publish(*container, "create");
    return created;
}

} // namespace hull::engine
