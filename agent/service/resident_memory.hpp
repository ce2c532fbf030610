// Memory that only the start or a report needed, given back to the system.
#pragma once

namespace dl::agent::service {

/// Unmaps the pages of code and constants of this program and its libraries, which the kernel brings again from its
/// cache when they are used, and the free pages of the heap. Takes less than a millisecond; any thread.
void give_back_resident_memory();

}    // namespace dl::agent::service
