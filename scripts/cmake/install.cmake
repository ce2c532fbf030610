# What `cmake --install BUILD --prefix /usr` lays out, with DESTDIR or without: programs here, everything else in
# install_files.cmake when the prefix is known (--prefix may differ from the one that was configured).
include(GNUInstallDirs)
install(TARGETS daylight-agent daylight-process-watch daylight-collector RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "
    set(DAYLIGHT_SOURCE_DIR \"${CMAKE_SOURCE_DIR}\")
    set(DAYLIGHT_ADAPTED_DIR \"${CMAKE_BINARY_DIR}/generated/installed\")
    set(DAYLIGHT_BINDIR \"${CMAKE_INSTALL_BINDIR}\")
    set(DAYLIGHT_DATADIR \"${CMAKE_INSTALL_DATADIR}\")
    set(DAYLIGHT_DOCDIR \"${CMAKE_INSTALL_DATADIR}/doc/daylight\")
    set(DAYLIGHT_SYSCONFDIR \"${CMAKE_INSTALL_SYSCONFDIR}\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_files.cmake)
