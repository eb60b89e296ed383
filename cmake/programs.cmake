# The two link flavours of one source (design D2). A command is a file of cmd/; which rows each
# flavour has is decided by commands_full.cc and commands_host.cc.

file(GLOB full_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmd/*.cc)
list(FILTER full_sources EXCLUDE REGEX "commands_host\\.cc$")
if(full_sources)
  add_executable(vpccni ${full_sources})
  target_link_libraries(vpccni PRIVATE vpccni_agent vpccni_cni vpccni_fips vpccni_sre)
endif()

# What runs on the host's root file system: static, no TLS, no crypto library, no libevent loop.
set(host_sources main.cc command.cc commands_host.cc cni.cc cni_branch.cc cni_gc.cc cni_pod.cc egress.cc help.cc plugin.cc probe.cc
                 version.cc)
list(TRANSFORM host_sources PREPEND ${CMAKE_SOURCE_DIR}/cmd/)
set(missing "")
foreach(source ${host_sources})
  if(NOT EXISTS ${source})
    list(APPEND missing ${source})
  endif()
endforeach()
if(missing)
  message(STATUS "vpccni-host left out, missing: ${missing}")
else()
  add_executable(vpccni-host ${host_sources})
  target_compile_definitions(vpccni-host PRIVATE VPCCNI_HOST=1)
  target_link_libraries(vpccni-host PRIVATE vpccni_cni vpccni_podnet vpccni_ipam vpccni_rpc vpccni_settings)
  if(NOT VPCCNI_SANITIZE)
    target_link_options(vpccni-host PRIVATE -static -Wl,--gc-sections)
    set_target_properties(vpccni-host PROPERTIES LINK_SEARCH_START_STATIC ON LINK_SEARCH_END_STATIC ON)
  endif()
endif()
