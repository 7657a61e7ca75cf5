// Endpoints as they are made, and as they are kept on record.
#pragma once

#include "base/result.h"
#include "model/container_record.h"
#include "net/bridge.h"

namespace hull::engine {

using model::EndpointRecord;

// Errors: those of the addresses' texts.
Result<net::Endpoint> endpoint_from_record(const EndpointRecord& record);

// With a new id. network: its id and name.
EndpointRecord record_of_endpoint(const net::Endpoint& endpoint, const std::string& network_id,
                                  const std::string& network);

} // namespace hull::engine
