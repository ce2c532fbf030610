// The one translation unit that carries Asio's and Beast's non-template code; everybody else only declares it.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
