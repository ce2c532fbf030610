# What `cmake --install` lays out; scripts/package builds on it.
include(GNUInstallDirs)
install(TARGETS daylight-agent daylight-collector RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY config/ DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/daylight)
