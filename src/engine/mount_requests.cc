#include "engine/mount_requests.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "engine/tmpfs_options.h"
#include "model/volume.h"

namespace hull::engine {
namespace {

using model::MountPoint;
using model::MountRequest;

Error invalid_mount(const std::string& type, const std::string& why) {
    return invalid("invalid mount config for type \"" + type + "\": " + why);
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    size_t begin = 0;
    for (size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, begin)) {
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    parts.push_back(text.substr(begin));
    return parts;
}

bool is_propagation(std::string_view option) {
    constexpr std::array<std::string_view, 6> names = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
    return std::ranges::find(names, option) != names.end();
}

// Each group of options may be there once.
Result<void> apply_mode(const std::string& mode, MountPoint& mount) {
    int access = 0, label = 0, propagation = 0, consistency = 0, copy = 0;
    for (const std::string& option : split(mode, ',')) {
        if (option == "ro" || option == "rw") {
            ++access;
            mount.rw = option == "rw";
        } else if (option == "z" || option == "Z") {
            ++label; // without SELinux there is nothing to relabel
        } else if (is_propagation(option)) {
            // A volume is the engine's own mount.
            if (mount.type == "volume") return invalid("invalid mode: " + mode);
            ++propagation;
            mount.propagation = option;
        } else if (option == "nocopy" && mount.type == "volume") {
            ++copy;
            mount.no_copy = true;
        } else if (option == "cached" || option == "delegated" || option == "consistent" || option == "default") {
            ++consistency;
        } else {
            return invalid("invalid mode: " + mode);
        }
    }
    if (access > 1 || label > 1 || propagation > 1 || consistency > 1 || copy > 1)
        return invalid("invalid mode: " + mode);
    return {};
}

Result<void> check_destination(const MountPoint& mount, const std::string& spec) {
    if (mount.destination.empty())
        return invalid("invalid volume specification: '" + spec + "': invalid mount path: mount path must be absolute");
    if (mount.destination == "/")
        return invalid("invalid volume specification: '" + spec + "': invalid mount config for type \"" + mount.type +
                       "\": invalid specification: destination can't be '/'");
    return {};
}

MountPoint volume_mount_point(std::string name, std::string destination, const std::string& driver) {
    MountPoint mount;
    mount.type = "volume";
    mount.name = std::move(name);
    mount.driver = driver;
    mount.destination = std::move(destination);
    return mount;
}

Result<MountPoint> from_volume_request(const MountRequest& request) {
    if (request.bind_options) return invalid_mount("volume", "field BindOptions must not be specified");
    if (request.tmpfs_options) return invalid_mount("volume", "field TmpfsOptions must not be specified");
    model::VolumeOptions options = TRY(model::parse_volume_options(request.volume_options));
    MountPoint mount = volume_mount_point(request.source, "", options.driver_config.name);
    mount.no_copy = options.no_copy;
    mount.volume_labels = std::move(options.labels);
    mount.volume_options = std::move(options.driver_config.options);
    if (request.source.empty() && !options.subpath.empty())
        return invalid_mount("volume", "must not set Subpath when using anonymous volumes");
    std::filesystem::path subpath(options.subpath);
    if (subpath.is_absolute() || std::ranges::find(subpath, "..") != subpath.end())
        return invalid_mount("volume", "subpath must be a relative path within the volume");
    mount.subpath = std::move(options.subpath);
    return mount;
}

Result<MountPoint> from_bind_request(const MountRequest& request, HostPort& machine) {
    MountPoint mount;
    mount.type = "bind";
    mount.source = clean_path(request.source);
    mount.propagation = "rprivate";
    if (request.source.empty()) return invalid_mount("bind", "field Source must not be empty");
    if (mount.source.empty())
        return invalid_mount("bind", "invalid mount path: '" + request.source + "' mount path must be absolute");
    if (request.tmpfs_options) return invalid_mount("bind", "field TmpfsOptions must not be specified");
    if (!request.volume_options.empty()) return invalid_mount("bind", "field VolumeOptions must not be specified");
    if (request.bind_options) {
        const model::BindOptions& options = *request.bind_options;
        if (!options.propagation.empty()) {
            if (!is_propagation(options.propagation))
                return invalid_mount("bind", "invalid propagation mode: " + options.propagation);
            mount.propagation = options.propagation;
        }
        if (options.read_only_force_recursive && options.read_only_non_recursive)
            return invalid_mount("bind", "ReadOnlyForceRecursive and ReadOnlyNonRecursive contradict each other");
        mount.non_recursive = options.non_recursive;
        mount.read_only_non_recursive = options.read_only_non_recursive;
        mount.create_source = options.create_mountpoint;
    }
    if (!mount.create_source && machine.kind(mount.source) == PathKind::missing)
        return invalid_mount("bind", "bind source path does not exist: " + mount.source);
    return mount;
}

Result<MountPoint> from_tmpfs_request(const MountRequest& request) {
    MountPoint mount;
    mount.type = "tmpfs";
    if (!request.source.empty()) return invalid_mount("tmpfs", "field Source must not be specified");
    if (request.bind_options) return invalid_mount("tmpfs", "field BindOptions must not be specified");
    std::string& options = mount.tmpfs_options;
    auto add = [&](const std::string& option) { options += (options.empty() ? "" : ",") + option; };
    if (request.read_only) add("ro");
    if (request.tmpfs_options) {
        const model::TmpfsOptions& asked = *request.tmpfs_options;
        if (asked.mode) {
            std::array<char, 24> text{};
            std::snprintf(text.data(), text.size(), "mode=%o", asked.mode);
            add(text.data());
        }
        if (asked.size_bytes < 0) return invalid_mount("tmpfs", "invalid size");
        if (asked.size_bytes > 0) add("size=" + std::to_string(asked.size_bytes));
        for (const model::StringList& option : asked.options) {
            if (option.empty() || option.size() > 2) return invalid_mount("tmpfs", "invalid option array length");
            add(option.size() == 1 ? option[0] : option[0] + "=" + option[1]);
        }
    }
    return mount;
}

// The container's making finds the image.
Result<MountPoint> from_image_request(const MountRequest& request) {
    if (request.source.empty()) return invalid_mount("image", "field Source must not be empty");
    if (request.bind_options) return invalid_mount("image", "field BindOptions must not be specified");
    if (request.tmpfs_options) return invalid_mount("image", "field TmpfsOptions must not be specified");
    if (!request.volume_options.empty()) return invalid_mount("image", "field VolumeOptions must not be specified");
    MountPoint mount;
    mount.type = "image";
    mount.name = request.source;
    if (request.image_options) mount.subpath = request.image_options->subpath;
    std::filesystem::path subpath(mount.subpath);
    if (subpath.is_absolute() || std::ranges::find(subpath, "..") != subpath.end())
        return invalid_mount("image", "subpath must be a relative path within the image");
    return mount;
}

Result<MountPoint> from_request(const MountRequest& request, HostPort& machine) {
    if (request.target.empty()) return invalid_mount(request.type, "field Target must not be empty");
    if (request.image_options && request.type != "image")
        return invalid_mount(request.type, "field ImageOptions must not be specified");
    std::string target = clean_path(request.target);
    if (target.empty())
        return invalid_mount(request.type, "invalid mount path: '" + request.target + "' mount path must be absolute");
    if (target == "/") return invalid_mount(request.type, "invalid specification: destination can't be '/'");
    MountPoint mount;
    if (request.type == "bind") {
        mount = TRY(from_bind_request(request, machine));
    } else if (request.type == "tmpfs") {
        mount = TRY(from_tmpfs_request(request));
    } else if (request.type == "volume") {
        mount = TRY(from_volume_request(request));
    } else if (request.type == "image") {
        mount = TRY(from_image_request(request));
    } else if (request.type == "cluster") {
        return Error(ErrorKind::unsupported, "mounts of type \"" + request.type + "\" are not supported");
    } else {
        return invalid("invalid mount config for type \"" + request.type + "\": mount type unknown");
    }
    mount.destination = std::move(target);
    mount.rw = !request.read_only && request.type != "image";
    mount.from_mounts = true;
    return mount;
}

} // namespace

std::string clean_path(const std::string& path) {
    if (!path.starts_with('/') || path.find('\0') != std::string::npos) return {};
    std::string clean = std::filesystem::path(path).lexically_normal().string();
    while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
    return clean;
}

Result<MountPoint> parse_bind(const std::string& text, const std::string& driver) {
    std::vector<std::string> parts = split(text, ':');
    if (parts.size() == 1 && parts[0].starts_with('/')) {
        MountPoint mount = volume_mount_point("", clean_path(parts[0]), driver);
        TRY(check_destination(mount, text));
        return mount;
    }
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty())
        return invalid("invalid volume specification: '" + text + "'");
    MountPoint mount;
    if (!parts[0].starts_with('/')) {
        // Its maker checks the name.
        mount = volume_mount_point(parts[0], clean_path(parts[1]), driver);
    } else {
        mount.type = "bind";
        mount.source = clean_path(parts[0]);
        mount.destination = clean_path(parts[1]);
        mount.propagation = "rprivate";
        mount.create_source = true;
    }
    TRY(check_destination(mount, text));
    if (parts.size() == 3) {
        mount.mode = parts[2];
        TRY(apply_mode(parts[2], mount));
    }
    return mount;
}

Result<std::vector<MountPoint>> resolve_mounts(const model::ContainerConfig& config, const model::HostConfig& host,
                                               HostPort& machine) {
    std::vector<MountPoint> mounts;
    auto taken = [&](const std::string& destination) {
        return std::ranges::find(mounts, destination, &MountPoint::destination) != mounts.end();
    };
    auto add = [&](MountPoint mount) -> Result<void> {
        if (taken(mount.destination)) return invalid("Duplicate mount point: " + mount.destination);
        mounts.push_back(std::move(mount));
        return {};
    };
    for (const std::string& text : host.binds) TRY(add(TRY(parse_bind(text, host.volume_driver))));
    for (const MountRequest& request : host.mounts) TRY(add(TRY(from_request(request, machine))));
    for (const auto& [path, options] : host.tmpfs) {
        TRY(check_tmpfs_options(options));
        MountPoint mount;
        mount.type = "tmpfs";
        mount.destination = clean_path(path);
        mount.tmpfs_options = options;
        if (mount.destination.empty()) return invalid("invalid mount path: '" + path + "' mount path must be absolute");
        if (mount.destination == "/") return invalid("invalid specification: destination can't be '/'");
        TRY(add(std::move(mount)));
    }
    // What was asked for by name wins over the image's volumes.
    for (const std::string& path : config.volumes) {
        std::string destination = clean_path(path);
        if (destination.empty() || destination == "/") return invalid("invalid volume specification: '" + path + "'");
        if (!taken(destination)) mounts.push_back(volume_mount_point("", std::move(destination), host.volume_driver));
    }
    return mounts;
}

} // namespace hull::engine
