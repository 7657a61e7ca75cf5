// Which namespaces a container gets: its own, the host's, or another
// container's. The user namespace follows from the others: sharing one of the
// host's (or --privileged) means the host's ids; joining a container's means
// that container's ids.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/id_pool.h"
#include "engine/sandbox_pool.h"

namespace hull::engine {

class Container;
class Registry;
struct EngineOptions;

enum class Share : unsigned char { own, host, container };

struct NamespaceChoice {
    struct One {
        Share share = Share::own;
        int pid = 0;           // Share::container: of that container's init
        std::string container; // and its id
    };
    One user, net, pid, ipc, uts, cgroup;
    SandboxNetwork network = SandboxNetwork::bridge; // when net is own
    IdRange joined_ids;                              // when user is another container's
};

// Errors: those of Registry::find for "container:x", conflict when x isn't
// running, isn't shareable, or two of them live in different user namespaces.
Result<NamespaceChoice> choose_namespaces(const Container& container, const Registry& registry,
                                          const EngineOptions& options);

// "/proc/<pid>/ns/net"
std::string namespace_path(int pid, const char* kind);

} // namespace hull::engine
