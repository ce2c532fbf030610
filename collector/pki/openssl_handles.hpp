// Owning pointers for the OpenSSL objects that only the authority handles, and the library's last words as one line.
#pragma once

#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace dl::collector::pki {

template <auto release>
struct Releaser {
    template <class T>
    void operator()(T* object) const
    {
        release(object);
    }
};

using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Releaser<X509_EXTENSION_free>>;
using BigNumberHandle = std::unique_ptr<BIGNUM, Releaser<BN_free>>;

/// Empties OpenSSL's error queue of this thread and returns its first reason ("no reason given" when empty).
[[nodiscard]] std::string take_openssl_reason();

}    // namespace dl::collector::pki
