// Volumes: there are none yet; named volumes have their own issue.
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

Result<void> list_volumes(Call& call) {
    return call.reply(200, json::Object{{"Volumes", json::Array{}}, {"Warnings", nullptr}});
}

Result<void> inspect_volume(Call& call) {
    return Error(ErrorKind::not_found, "get " + call.name() + ": no such volume");
}

Result<void> prune_volumes(Call& call) {
    return call.reply(200, json::Object{{"VolumesDeleted", nullptr}, {"SpaceReclaimed", 0}});
}

} // namespace hull::api
