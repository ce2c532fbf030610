// What a function returns when an expected thing goes wrong: one line that says what happened, where, and what to do
// next. Exceptions are for start-up and for bugs.
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

// The namespace is dl because <time.h> declares `extern int daylight` (POSIX tzset).
namespace dl {

/// Why an operation failed, in words for the person who has to act on it.
struct Failure {
    enum class Kind {
        invalid_input,    ///< the bytes, file or argument given are wrong: mending them helps, trying again does not
        not_found,        ///< what was asked for does not exist
        denied,           ///< the caller may not do this (wrong token, certificate, role)
        conflict,         ///< somebody else changed or holds it (version mismatch, data directory in use)
        unavailable,      ///< a peer or resource is not there now: trying again later may help
        io,               ///< the operating system or the disk refused
        internal,         ///< a bug
    };
    Kind kind = Kind::internal;
    std::string message;    ///< "WHERE: WHAT; NEXT STEP", one line, no trailing newline

    friend bool operator==(const Failure&, const Failure&) = default;
};

template <class T>
using Result = boost::system::result<T, Failure>;

[[nodiscard]] inline Failure invalid_input(std::string message)
{
    return {Failure::Kind::invalid_input, std::move(message)};
}
[[nodiscard]] inline Failure not_found(std::string message)
{
    return {Failure::Kind::not_found, std::move(message)};
}
[[nodiscard]] inline Failure denied(std::string message)
{
    return {Failure::Kind::denied, std::move(message)};
}
[[nodiscard]] inline Failure conflict(std::string message)
{
    return {Failure::Kind::conflict, std::move(message)};
}
[[nodiscard]] inline Failure unavailable(std::string message)
{
    return {Failure::Kind::unavailable, std::move(message)};
}
[[nodiscard]] inline Failure io_failure(std::string message)
{
    return {Failure::Kind::io, std::move(message)};
}

/// Found by boost::system::result when value() is called on a failure.
[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&)
{
    throw std::runtime_error(failure.message);
}

}    // namespace dl
