// What the agent asks the process watch, and what it hears: one SOCK_SEQPACKET message each, in the host's byte order,
// because both ends are on one host. Version in the magic number.
//
//   question, 16 octets: magic 32, sequence 32, socket inode 32, user id 32
//   answer,   76 octets: magic 32, sequence 32, process id 32 (0: not known), name 64, zero-padded
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

inline constexpr std::size_t question_octets = 16;
inline constexpr std::size_t name_octets = 64;
inline constexpr std::size_t answer_octets = 12 + name_octets;

[[nodiscard]] std::array<std::uint8_t, question_octets> encode(const Question& question);
[[nodiscard]] std::array<std::uint8_t, answer_octets> encode(const Answer& answer);
/// Nothing where the octets are no such message.
[[nodiscard]] std::optional<Question> decode_question(std::span<const std::uint8_t> octets);
[[nodiscard]] std::optional<Answer> decode_answer(std::span<const std::uint8_t> octets);

}    // namespace dl::agent::owners
