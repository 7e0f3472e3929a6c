# Debian's BoringSSL (android-libboringssl-dev) has no pkg-config file and no CMake package: its headers
# are under include/android and its libraries in the multiarch android folder, which needs an RPATH.
# Defines the target BoringSSL::crypto (and BoringSSL::ssl). Never mixes with the system's OpenSSL.
find_path(BORINGSSL_INCLUDE_DIR openssl/is_boringssl.h PATHS /usr/include/android NO_DEFAULT_PATH)
file(GLOB _boringssl_dirs /usr/lib/*/android)
find_library(BORINGSSL_CRYPTO crypto PATHS ${_boringssl_dirs} NO_DEFAULT_PATH)
find_library(BORINGSSL_SSL ssl PATHS ${_boringssl_dirs} NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BoringSSL DEFAULT_MSG
  BORINGSSL_INCLUDE_DIR BORINGSSL_CRYPTO BORINGSSL_SSL)
if(BoringSSL_FOUND AND NOT TARGET BoringSSL::crypto)
  get_filename_component(_boringssl_dir ${BORINGSSL_CRYPTO} DIRECTORY)
  foreach(_part crypto ssl)
    string(TOUPPER ${_part} _upper)
    add_library(BoringSSL::${_part} UNKNOWN IMPORTED)
    set_target_properties(BoringSSL::${_part} PROPERTIES
      IMPORTED_LOCATION ${BORINGSSL_${_upper}}
      INTERFACE_COMPILE_OPTIONS "-isystem${BORINGSSL_INCLUDE_DIR}"
      INTERFACE_LINK_OPTIONS "-Wl,-rpath,${_boringssl_dir}")
  endforeach()
endif()
