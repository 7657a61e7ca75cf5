// A client's folder as a build context: the receiving end of FileSync.DiffCopy.
#pragma once

#include <stop_token>

#include "build/client.h"
#include "rpc/connection.h"

namespace hull::build {

// before: what the same folder was the last time, which is the result when
// nothing changed; contents of files whose stats are as they were are not sent again. folder: for the spool file.
// Errors: invalid_argument (what breaks the protocol), too_large, those of the client.
Result<std::shared_ptr<const Context>> receive_files(rpc::Connection& connection, const FileRequest& request,
                                                     const std::shared_ptr<const Context>& before,
                                                     const std::string& folder, const ReceivedBytes& progress,
                                                     const std::stop_token& stop, const ContextLimits& limits = {});

} // namespace hull::build
