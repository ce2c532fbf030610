#include "agent/owners/message.hpp"

#include <algorithm>
#include <cstring>

namespace dl::agent::owners {
namespace {

constexpr std::uint32_t question_magic = 0x444c5101;    // DLQ, version 1
constexpr std::uint32_t answer_magic = 0x444c4101;
constexpr std::uint32_t request_magic = 0x444c5201;
constexpr std::uint32_t reply_magic = 0x444c5301;

std::uint32_t word_at(std::span<const std::uint8_t> octets, std::size_t at)
{
    std::uint32_t word = 0;
    std::memcpy(&word, octets.data() + at, sizeof word);
    return word;
}

}    // namespace

std::array<std::uint8_t, question_octets> encode(const Question& question)
{
    const std::array<std::uint32_t, 4> words{question_magic, question.sequence, question.inode, question.uid};
    std::array<std::uint8_t, question_octets> octets{};
    std::memcpy(octets.data(), words.data(), sizeof words);
    return octets;
}

std::array<std::uint8_t, answer_octets> encode(const Answer& answer)
{
    const auto pid = static_cast<std::uint32_t>(answer.process ? answer.process->pid : 0);
    const std::array<std::uint32_t, 3> words{answer_magic, answer.sequence, pid};
    std::array<std::uint8_t, answer_octets> octets{};
    std::memcpy(octets.data(), words.data(), sizeof words);
    if (answer.process)
        std::memcpy(octets.data() + sizeof words, answer.process->name.data(),
                    std::min(answer.process->name.size(), name_octets));
    return octets;
}

std::optional<Question> decode_question(std::span<const std::uint8_t> octets)
{
    if (octets.size() != question_octets || word_at(octets, 0) != question_magic) return std::nullopt;
    return Question{word_at(octets, 4), word_at(octets, 8), word_at(octets, 12)};
}

std::optional<Answer> decode_answer(std::span<const std::uint8_t> octets)
{
    if (octets.size() != answer_octets || word_at(octets, 0) != answer_magic) return std::nullopt;
    Answer answer{word_at(octets, 4), std::nullopt};
    const auto pid = static_cast<pid_t>(word_at(octets, 8));
    const auto name = octets.subspan(12);
    const auto end = std::find(name.begin(), name.end(), 0);
    if (pid > 0 && end != name.begin()) answer.process = identity::Process{pid, std::string(name.begin(), end)};
    return answer;
}

std::array<std::uint8_t, request_octets> records_request()
{
    std::array<std::uint8_t, request_octets> octets{};
    std::memcpy(octets.data(), &request_magic, sizeof request_magic);
    return octets;
}

bool is_records_request(std::span<const std::uint8_t> octets)
{
    return octets.size() == request_octets && word_at(octets, 0) == request_magic;
}

std::array<std::uint8_t, reply_octets> encode(Records state)
{
    const std::array<std::uint32_t, 2> words{reply_magic, static_cast<std::uint32_t>(state)};
    std::array<std::uint8_t, reply_octets> octets{};
    std::memcpy(octets.data(), words.data(), sizeof words);
    return octets;
}

std::optional<Records> decode_records(std::span<const std::uint8_t> octets)
{
    if (octets.size() != reply_octets || word_at(octets, 0) != reply_magic) return std::nullopt;
    const std::uint32_t state = word_at(octets, 4);
    if (state > static_cast<std::uint32_t>(Records::on)) return std::nullopt;
    return static_cast<Records>(state);
}

}    // namespace dl::agent::owners
