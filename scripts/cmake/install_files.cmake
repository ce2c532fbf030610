# Run by `cmake --install`: settings, catalogue, page, systemd units and documents. Paths follow the prefix as GNUInstallDirs
# has it: settings of a system in /usr are in /etc, of one in /opt/… in /etc/opt/…, of any other below its prefix.
# file(INSTALL) puts DESTDIR before an absolute destination by itself; every other command here must.

function(absolute directory variable)
    if(IS_ABSOLUTE "${directory}")
        set(path "${directory}")
    elseif("${directory}" STREQUAL "etc" AND CMAKE_INSTALL_PREFIX MATCHES "^(/|/usr)/*$")
        set(path "/etc")
    elseif("${directory}" STREQUAL "etc" AND CMAKE_INSTALL_PREFIX MATCHES "^/opt/")
        set(path "/etc${CMAKE_INSTALL_PREFIX}")
    else()
        set(path "${CMAKE_INSTALL_PREFIX}/${directory}")
    endif()
    string(REGEX REPLACE "//+" "/" path "${path}")
    set(${variable} "${path}" PARENT_SCOPE)
endfunction()

absolute("${DAYLIGHT_BINDIR}" programs)
absolute("${DAYLIGHT_DATADIR}" data)
absolute("${DAYLIGHT_DOCDIR}" documents)
absolute("${DAYLIGHT_SYSCONFDIR}" settings)
absolute("lib/systemd/system" units)
string(APPEND settings "/daylight")

# Copies `from` below the build folder with words exchanged (pairs: old, new); an old word that is not there stops the
# installation, so that a changed source can't be installed half adapted.
function(adapt from variable)
    file(READ "${from}" text)
    while(ARGN)
        list(POP_FRONT ARGN old new)
        string(FIND "${text}" "${old}" place)
        if(place EQUAL -1)
            message(FATAL_ERROR "${from}: has no ${old}, which the installation replaces; mend scripts/cmake/install_files.cmake")
        endif()
        string(REPLACE "${old}" "${new}" text "${text}")
    endwhile()
    get_filename_component(name "${from}" NAME)
    file(WRITE "${DAYLIGHT_ADAPTED_DIR}/${name}" "${text}")
    set(${variable} "${DAYLIGHT_ADAPTED_DIR}/${name}" PARENT_SCOPE)
endfunction()

# Installs a file that belongs to the organisation: one that is there and differs stays, this version's goes beside it
# as NAME.new.
function(install_unless_changed from directory)
    get_filename_component(name "${from}" NAME)
    set(there "$ENV{DESTDIR}${directory}/${name}")
    if(EXISTS "${there}")
        file(SHA256 "${from}" ours)
        file(SHA256 "${there}" theirs)
        if(NOT ours STREQUAL theirs)
            message(STATUS "Kept: ${there} (this version's is ${name}.new)")
            string(APPEND name ".new")
        endif()
    endif()
    file(INSTALL DESTINATION "${directory}" TYPE FILE RENAME "${name}" FILES "${from}")
endfunction()

set(config "${DAYLIGHT_SOURCE_DIR}/config")

# Settings: as in config/, with the places of an installed system. The data directories are those that systemd makes; which
# collector an agent reports to is left to `enroll`.
adapt("${config}/agent.json" agent_settings "\"collector\": \"https://127.0.0.1:8443\",\n  \"data_directory\": \"../data/agent\""
    "\"data_directory\": \"/var/lib/daylight-agent\"")
adapt("${config}/collector.json" collector_settings "\"../data/collector\"" "\"/var/lib/daylight-collector\""
    "\"../collector/web/dist\"" "\"${data}/daylight/web\""
    "\"catalog\": \"catalog\"" "\"catalog\": \"${data}/daylight/catalog\"" "\"catalog_local\": \"catalog\"" "\"catalog_local\": \"catalog.local\"")
foreach(file "${agent_settings}" "${collector_settings}" "${config}/policy.json" "${config}/business-units.csv"
        "${config}/people.csv" "${config}/devices.csv" "${config}/personal-hosts.txt")
    install_unless_changed("${file}" "${settings}")
endforeach()
file(INSTALL DESTINATION "${settings}" TYPE FILE FILES "${config}/agent.schema.json" "${config}/collector.schema.json")

# The catalogue is ours, and replaced as a whole: a file that an older version had would be loaded too. The two files that
# config/catalog/README.md gives to the organisation stand apart from it, among the settings.
function(install_as_a_whole from directory)
    file(REMOVE_RECURSE "$ENV{DESTDIR}${directory}")
    file(INSTALL DESTINATION "${directory}" TYPE DIRECTORY FILES "${from}/" ${ARGN})
endfunction()

install_as_a_whole("${config}/catalog" "${data}/daylight/catalog" REGEX "/catalog/(local\\.json|internal-hosts\\.csv)$" EXCLUDE)
install_unless_changed("${config}/catalog/local.json" "${settings}/catalog.local")
install_unless_changed("${config}/catalog/internal-hosts.csv" "${settings}/catalog.local")
if(EXISTS "$ENV{DESTDIR}${settings}/catalog/categories.json")
    message(STATUS "Of an older version: ${settings}/catalog. Move its local.json and internal-hosts.csv to ${settings}/catalog.local, "
        "take `catalog` and `catalog_local` into collector.json from collector.json.new, then remove it")
endif()

set(page "${DAYLIGHT_SOURCE_DIR}/collector/web/dist")
if(EXISTS "${page}/index.html")
    install_as_a_whole("${page}" "${data}/daylight/web")
else()
    message(STATUS "No page: it was not built; run scripts/build-page and install again, or do with the API")
endif()

foreach(program agent collector)
    adapt("${config}/systemd/daylight-${program}.service" unit
        "/usr/bin/daylight-" "${programs}/daylight-" "/etc/daylight" "${settings}" "/usr/share/doc/daylight" "${documents}")
    file(INSTALL DESTINATION "${units}" TYPE FILE FILES "${unit}")
endforeach()
adapt("${config}/systemd/daylight-process-watch.service" unit
    "/usr/bin/daylight-" "${programs}/daylight-" "/usr/share/doc/daylight" "${documents}")
file(INSTALL DESTINATION "${units}" TYPE FILE FILES "${unit}")
adapt("${config}/systemd/daylight-process-watch-kernel-records.conf" drop_in "/usr/bin/daylight-" "${programs}/daylight-")
file(INSTALL DESTINATION "${data}/daylight/systemd" TYPE FILE FILES "${drop_in}" "${config}/systemd/daylight-agent-kernel-records.conf")

# Documents lie flat; what they link to outside docs/ comes along.
file(GLOB pages "${DAYLIGHT_SOURCE_DIR}/docs/*.md")
foreach(page IN LISTS pages)
    file(READ "${page}" text)
    string(REPLACE "../shared/wire/FORMAT.md" "FORMAT.md" text "${text}")
    string(REPLACE "../collector/api/openapi.json" "openapi.json" text "${text}")
    string(REPLACE "](../config/catalog/" "](${data}/daylight/catalog/" text "${text}")
    string(REPLACE "](../config/" "](${settings}/" text "${text}")
    get_filename_component(name "${page}" NAME)
    file(WRITE "${DAYLIGHT_ADAPTED_DIR}/${name}" "${text}")
    file(INSTALL DESTINATION "${documents}" TYPE FILE FILES "${DAYLIGHT_ADAPTED_DIR}/${name}")
endforeach()
file(INSTALL DESTINATION "${documents}" TYPE DIRECTORY FILES "${DAYLIGHT_SOURCE_DIR}/docs/decisions")
file(INSTALL DESTINATION "${documents}" TYPE FILE FILES "${DAYLIGHT_SOURCE_DIR}/CHANGELOG.md" "${DAYLIGHT_SOURCE_DIR}/LICENSE"
    "${DAYLIGHT_SOURCE_DIR}/shared/wire/FORMAT.md" "${DAYLIGHT_SOURCE_DIR}/collector/api/openapi.json")
