// Whether what the engine has on record, on disk and in the kernel agrees; for
// `hull system check`. Runs beside everything else.
#pragma once

#include "base/result.h"
#include "store/damage.h"

namespace hull::engine {

using store::CheckDepth;
using store::Damage;
using store::Damages;
using store::Repair;

struct CheckReport {
    Damages damages;
    size_t images = 0, layers = 0, containers = 0, volumes = 0, networks = 0; // looked at
};

struct Core;
class Runner;
// Containers: records, folders, processes. Errors: those of the records.
Result<void> check_containers(Core& core, Runner& runner, Repair repair, Damages& found);

// At the first start after the machine's: of containers that were on record when
// the power was cut, and whose writable layer was still to reach the disk, a new one is made.
void mend_after_boot(Core& core);

} // namespace hull::engine
