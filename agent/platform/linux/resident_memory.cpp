#include "agent/platform/platform.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace dl::agent::platform {
namespace {

/// Only segments that are never written: what a relocation has changed lies in a writable segment, and would be lost.
int give_back(dl_phdr_info* object, std::size_t, void*)
{
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (unsigned at = 0; at < object->dlpi_phnum; ++at) {
        const auto& segment = object->dlpi_phdr[at];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
        const std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_filesz) / page * page;
        if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}    // namespace

void give_back_resident_memory()
{
    ::malloc_trim(0);
    ::dl_iterate_phdr(&give_back, nullptr);
}

}    // namespace dl::agent::platform
