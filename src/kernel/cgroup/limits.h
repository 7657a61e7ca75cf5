// Limits of the OCI specification as writes to cgroup files: pure functions.
//
// As in runc, a limit of 0 (other than of processes, swappiness, idle, burst and
// the network class) is one that wasn't asked for, since engines written in Go
// print zeros for those.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/layout.h"
#include "kernel/cgroup/plan.h"
#include "model/oci_spec.h"

namespace hull::kernel::cgroup {

// A limit of 0 processes, which the specification knows, is one of 1, as in
// runc: the container's first process is there in any case.
constexpr int64_t least_pids = 1;

// v1: by controller ("memory"); each in the order in which they must be made.
// Without device rules.
using WritesByController = std::map<std::string, std::vector<Write>>;
Result<WritesByController> v1_limits(const model::oci::Resources& resources, const Machine& machine);

// v2, without device rules.
Result<std::vector<Write>> v2_limits(const model::oci::Resources& resources, const Machine& machine);

// cpu.shares (2 to 262,144, default 1,024) as cpu.weight (1 to 10,000, default
// 100): the curve through those three points that runc 1.3.2 and crun 1.23
// began to use, so that a default stays one.
uint64_t weight_of_shares(uint64_t shares);
// blkio.weight (10 to 1,000) as io.weight (1 to 10,000).
uint64_t weight_of_blkio(uint64_t weight);

// For rdma.max: "mlx5_1 hca_handle=3 hca_object=10000".
std::string rdma_line(const std::string& device, const model::oci::RdmaLimit& limit);

// Takes out the writes that init has to do itself (Dir::late).
std::vector<Write> take_late(std::vector<Write>& writes);

// Checks what is wrong on any machine.
Result<void> check_limits(const model::oci::Resources& resources);

} // namespace hull::kernel::cgroup
