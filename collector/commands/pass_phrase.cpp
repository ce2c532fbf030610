#include "collector/commands/pass_phrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

namespace dl::collector::commands {
namespace {

constexpr std::size_t longest = 1024;

/// The terminal of this process, its echo off until this ends.
class Terminal {
public:
    Terminal() : file_(::open("/dev/tty", O_RDWR | O_CLOEXEC))
    {
        if (file_ < 0 || ::tcgetattr(file_, &before_) != 0) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent_ = ::tcsetattr(file_, TCSAFLUSH, &silent) == 0;
    }
    ~Terminal()
    {
        if (silent_) {
            ::tcsetattr(file_, TCSAFLUSH, &before_);
            say("\n");
        }
        if (file_ >= 0) ::close(file_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] bool silent() const { return silent_; }
    void say(const char* text) const { [[maybe_unused]] const auto written = ::write(file_, text, std::strlen(text)); }
    [[nodiscard]] std::string line() const
    {
        std::string text;
        char c = 0;
        while (text.size() < longest && ::read(file_, &c, 1) == 1 && c != '\n')
            text += c;
        return text;
    }

private:
    int file_;
    termios before_{};
    bool silent_ = false;
};

}    // namespace

Result<std::string> read_pass_phrase(PassPhraseFrom from, const char* prompt)
{
    std::string phrase;
    if (from == PassPhraseFrom::standard_input) {
        std::getline(std::cin, phrase);
    } else {
        const Terminal terminal;
        if (!terminal.silent())
            return invalid_input("there is no terminal to ask for the pass phrase; give --pass-phrase-stdin");
        terminal.say(prompt);
        phrase = terminal.line();
    }
    if (phrase.empty()) return invalid_input("the pass phrase is empty; give one");
    if (phrase.size() > longest) return invalid_input("the pass phrase is longer than 1024 octets; give a shorter one");
    return phrase;
}

}    // namespace dl::collector::commands
