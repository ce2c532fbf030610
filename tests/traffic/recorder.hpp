// Records what passes an interface and writes it as a capture file in which every packet has the time of an earlier
// day.
#pragma once

#include "shared/base/time.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

struct pcap;

namespace dl::traffic {

class Recorder {
public:
    /// `day_of_client` tells by the device's address which day a packet stands for; packets of other addresses are left
    /// out.
    Recorder(const std::string& interface, std::map<std::string, Day> day_of_client);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// Records until stop(), on a thread of its own.
    void start();
    void stop();
    /// The recorded packets in the order of their days; each day's traffic begins at `begin` after midnight UTC and
    /// keeps its pace. Ethernet, nanoseconds. Throws RecordIncomplete when the kernel dropped packets or reading
    /// ended early: the record would not be the truth.
    void write(const std::filesystem::path& file, std::chrono::seconds begin) const;

private:
    struct Packet {
        std::chrono::nanoseconds since_start{};
        std::uint32_t length = 0;
        std::vector<std::uint8_t> bytes;
    };
    void run();
    void keep(std::chrono::nanoseconds when, std::uint32_t length, const std::uint8_t* bytes, std::size_t size);

    pcap* handle_ = nullptr;
    std::map<std::uint32_t, Day> day_of_address_;    // network byte order
    std::map<Day, std::vector<Packet>> packets_;
    std::chrono::nanoseconds started_{};
    std::uint64_t dropped_ = 0;
    std::string broken_;    ///< why reading ended before stop()
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}    // namespace dl::traffic
