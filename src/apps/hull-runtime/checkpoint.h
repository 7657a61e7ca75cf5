// What checkpoint and restore have in common: flags, folders, the words for CRIU.
#pragma once

#include <string>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/criu_messages.h"
#include "base/unique_fd.h"

namespace hull::oci_runtime {

constexpr const char* descriptors_file = "descriptors.json"; // in the folder of images, as runc's

// The flags of both commands, with the folders open (made when they aren't there).
struct CriuSetup {
    std::string images, log_folder; // paths
    UniqueFd images_dir, work_dir;
    CriuOptions options;
    static Result<CriuSetup> from(const Args& args, const char* log_file);
};

// The annotation org.criu.config names CRIU's configuration file; without it runc's.
std::string criu_config_file(const std::map<std::string, std::string>& annotations);

// "extRootNetNS": what a namespace that came by path is called in images.
std::string external_namespace_key(const std::string& proc_name);

} // namespace hull::oci_runtime
