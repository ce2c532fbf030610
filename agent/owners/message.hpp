// What the agent asks the process watch, and what it hears: one SOCK_SEQPACKET message each, in the host's byte order,
// because both ends are on one host. Version in the magic number.
//
//   question, 16 octets: magic 32, sequence 32, socket inode 32, user id 32
//   answer,   76 octets: magic 32, sequence 32, process id 32 (0: not known), name 64, zero-padded
//   request for the kernel's records, 4 octets: magic 32
//   reply to it, 8 octets: magic 32, state 32; where the state is `on`, two descriptors come along (SCM_RIGHTS): the
//   tables by ends and by socket cookie (connection_record.h)
#pragma once

#include "agent/identity/process_finder.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace dl::agent::owners {

inline constexpr const char* default_socket = "/run/daylight-process-watch/socket";

struct Question {
    std::uint32_t sequence = 0;
    std::uint32_t inode = 0;
    std::uint32_t uid = 0;
};

struct Answer {
    std::uint32_t sequence = 0;
    std::optional<identity::Process> process;
};

/// Of the kernel's records (decision 7).
enum class Records : std::uint32_t { not_asked_for = 0, refused = 1, on = 2 };

inline constexpr std::size_t question_octets = 16;
inline constexpr std::size_t name_octets = 64;
inline constexpr std::size_t answer_octets = 12 + name_octets;
inline constexpr std::size_t request_octets = 4;
inline constexpr std::size_t reply_octets = 8;

[[nodiscard]] std::array<std::uint8_t, question_octets> encode(const Question& question);
[[nodiscard]] std::array<std::uint8_t, answer_octets> encode(const Answer& answer);
/// Nothing where the octets are no such message.
[[nodiscard]] std::optional<Question> decode_question(std::span<const std::uint8_t> octets);
[[nodiscard]] std::optional<Answer> decode_answer(std::span<const std::uint8_t> octets);

[[nodiscard]] std::array<std::uint8_t, request_octets> records_request();
[[nodiscard]] bool is_records_request(std::span<const std::uint8_t> octets);
[[nodiscard]] std::array<std::uint8_t, reply_octets> encode(Records state);
[[nodiscard]] std::optional<Records> decode_records(std::span<const std::uint8_t> octets);

}    // namespace dl::agent::owners
