#include "apps/hull/client/settings_file.h"

#include <cstdlib>

#include <sys/stat.h>

#include "apps/hull/commands/indent.h"
#include "sys/file.h"

namespace hull::cli {

Result<Json> read_settings(const std::string& folder) {
    const std::string path = folder + "/config.json";
    auto file = sys::read_file(path);
    if (!file.ok()) {
        if (file.error().kind() == ErrorKind::not_found) return Json(boost::json::object());
        return std::move(file).error().context("read the client configuration");
    }
    if (file->find_first_not_of(" \t\r\n") == file->npos) return Json(boost::json::object());
    auto parsed = read_json(*file, path);
    if (!parsed.ok() || !parsed->is_object())
        return Error(ErrorKind::invalid_argument, "invalid client configuration: " +
                                                      (parsed.ok() ? path + ": no object" : parsed.error().message()));
    return parsed;
}

Result<void> change_settings(const std::string& folder, const std::function<void(boost::json::object&)>& change) {
    Json settings = TRY(read_settings(folder));
    change(settings.as_object());
    TRY(sys::mkdir_parents(folder, 0700));
    std::string path = folder + "/config.json";
    if (char* real = ::realpath(path.c_str(), nullptr)) {
        path = real;
        std::free(real);
    }
    return sys::replace_file(path, indented(settings) + "\n", 0600, sys::Durability::power_loss)
        .context("save the client configuration");
}

} // namespace hull::cli
