# libunbound, a validating resolver as a library. Its pkg-config file asks for libevent's, which is there only with
# libevent-dev, and only a static link needs that. Defines the target Unbound::unbound.
find_path(UNBOUND_INCLUDE_DIR unbound.h)
find_library(UNBOUND_LIBRARY unbound)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Unbound DEFAULT_MSG UNBOUND_LIBRARY UNBOUND_INCLUDE_DIR)
if(Unbound_FOUND AND NOT TARGET Unbound::unbound)
  add_library(Unbound::unbound UNKNOWN IMPORTED)
  set_target_properties(Unbound::unbound PROPERTIES
    IMPORTED_LOCATION ${UNBOUND_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${UNBOUND_INCLUDE_DIR})
endif()
