// The JSON encoding of FORMAT.md, for people with curl and for enrolment. Unknown keys are ignored, so that version 1
// can grow; a wrong type, a missing key or a broken bound is a failure that names the JSON path: "report: cells[3].day:
// …". Decoders read in one pass without a document tree: memory stays within a small multiple of the body.
#pragma once

#include "shared/wire/report.hpp"

#include <string>
#include <string_view>

namespace dl::wire {

/// One line per device, destination and cell; text that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string encode_json(const Report& report);
[[nodiscard]] std::string encode_json(const Reply& reply);
[[nodiscard]] std::string encode_json(const EnrollRequest& request);
[[nodiscard]] std::string encode_json(const EnrollReply& reply);
[[nodiscard]] std::string encode_json(const RenewRequest& request);
[[nodiscard]] std::string encode_json(const RenewReply& reply);
[[nodiscard]] std::string encode_json(const SettingsRequest& request);
[[nodiscard]] std::string encode_json(const SettingsReply& reply);

/// T is one of the eight above.
template <class T>
[[nodiscard]] Result<T> decode_json(std::string_view body);

template <>
[[nodiscard]] Result<Report> decode_json<Report>(std::string_view body);
template <>
[[nodiscard]] Result<Reply> decode_json<Reply>(std::string_view body);
template <>
[[nodiscard]] Result<EnrollRequest> decode_json<EnrollRequest>(std::string_view body);
template <>
[[nodiscard]] Result<EnrollReply> decode_json<EnrollReply>(std::string_view body);
template <>
[[nodiscard]] Result<RenewRequest> decode_json<RenewRequest>(std::string_view body);
template <>
[[nodiscard]] Result<RenewReply> decode_json<RenewReply>(std::string_view body);
template <>
[[nodiscard]] Result<SettingsRequest> decode_json<SettingsRequest>(std::string_view body);
template <>
[[nodiscard]] Result<SettingsReply> decode_json<SettingsReply>(std::string_view body);

}    // namespace dl::wire
