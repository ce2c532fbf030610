# How everything is compiled: C++20, warnings as errors, sanitizers by choice of preset.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

set(DAYLIGHT_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them (address,undefined or thread); empty: none")
option(DAYLIGHT_WARNINGS_AS_ERRORS "A warning stops the build" ON)
option(DAYLIGHT_FUZZERS "Build the fuzz targets with libFuzzer (needs clang)" OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual)
if(DAYLIGHT_WARNINGS_AS_ERRORS)
    add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports overflows inside std::string and std::vector that cannot happen (GCC bugs 105329, 105651).
    add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-maybe-uninitialized -Wno-dangling-pointer)
endif()
if(DAYLIGHT_SANITIZE)
    add_compile_options(-fsanitize=${DAYLIGHT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC 12 takes a coroutine frame's operator delete for another one than its operator new (seen with sanitizers only).
        add_compile_options(-Wno-mismatched-new-delete)
    endif()
    add_link_options(-fsanitize=${DAYLIGHT_SANITIZE})
    if(DAYLIGHT_SANITIZE MATCHES "thread")
        # The thread sanitizer knows no fences, and GCC says so as an error; Asio then orders by the atomics around them.
        add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
        add_compile_options(-Wno-tsan)
    endif()
endif()

# The cache is shared by every checkout: paths below the source folder count as relative. Precompiled headers are cached
# too, which GCC needs to be told (-fpch-preprocess) and ccache as well (pch_defines, time_macros).
find_program(DAYLIGHT_CCACHE ccache)
if(DAYLIGHT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${DAYLIGHT_CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)
    endif()
endif()
