// What clients ask for and this engine does not have, said truthfully.
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

Result<void> no_plugins(Call& call) { return call.reply(200, json::Array{}); }

Result<void> no_swarm(Call&) {
    return Error(ErrorKind::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                         "swarm join\" to connect this node to swarm and try again.");
}

Result<void> nothing_to_prune(Call& call) {
    return call.reply(200, json::Object{{"CachesDeleted", nullptr}, {"SpaceReclaimed", 0}});
}

Result<void> not_yet(Call& call) {
    const http::Request& request = call.exchange().request();
    std::string path = request.target.substr(0, request.target.find('?'));
    return Error(ErrorKind::unsupported,
                 "this version of Hull does not have " + std::string(http::to_string(request.method)) + " " + path);
}

} // namespace hull::api
