// Puts the kernel program (connection_records.bpf.c) to work: only the process watch does, before it gives up the
// capabilities for it (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN). It works until this object, or the process, is gone.
#pragma once

#include "shared/base/failure.hpp"

#include <memory>

namespace dl::agent::owners {

class Recorder {
public:
    virtual ~Recorder() = default;
    /// Descriptors of the two tables; the recorder's own.
    [[nodiscard]] virtual int by_ends() const = 0;
    [[nodiscard]] virtual int by_cookie() const = 0;
    /// The close of UDP sockets is recorded too (Linux 6.2 or newer).
    [[nodiscard]] virtual bool sees_the_close() const = 0;
};

/// A failure says what the kernel, the rights or the build lack.
[[nodiscard]] Result<std::unique_ptr<Recorder>> start_recorder();

}    // namespace dl::agent::owners
