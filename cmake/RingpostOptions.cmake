# Compiler flags shared by every target, and the options the presets set.
option(RINGPOST_TESTS "Build the tests" ON)
option(RINGPOST_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
option(RINGPOST_COVERAGE "Instrument for llvm-cov (clang only)" OFF)
set(RINGPOST_SANITIZE "" CACHE STRING "Comma-separated sanitizers, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(rp_flags INTERFACE)
target_include_directories(rp_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(rp_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers -fno-omit-frame-pointer)
target_compile_options(rp_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-O2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of GCC 12's flow analysis inside libstdc++'s string and vector.
  target_compile_options(rp_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    -Wno-stringop-overread -Wno-dangling-pointer -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's stable_sort and stable_partition call a function of its own that it has deprecated, and clang
  # says so of whoever uses them.
  target_compile_options(rp_flags INTERFACE -Wno-deprecated-declarations)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(rp_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(RINGPOST_FUZZ)
  target_compile_options(rp_flags INTERFACE -g -O1 -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=all)
  target_link_options(rp_flags INTERFACE -fsanitize=address,undefined -fuse-ld=lld)
elseif(RINGPOST_SANITIZE)
  target_compile_options(rp_flags INTERFACE -g -O1 -fsanitize=${RINGPOST_SANITIZE}
    -fno-sanitize-recover=all)
  target_link_options(rp_flags INTERFACE -fsanitize=${RINGPOST_SANITIZE})
endif()
if(RINGPOST_COVERAGE)
  target_compile_options(rp_flags INTERFACE -O1 -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(rp_flags INTERFACE -fprofile-instr-generate)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
pkg_check_modules(LIBURING REQUIRED IMPORTED_TARGET liburing>=2.3)
pkg_check_modules(LIBIDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb>=7.8)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers alone: Asio, Beast
find_package(BoringSSL REQUIRED)
find_package(Unbound REQUIRED)
find_package(ZLIB REQUIRED)
if(RINGPOST_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark REQUIRED)
