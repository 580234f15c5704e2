# Writes the migrations as a C table:  cmake -DDIRECTORY=migrations -DOUTPUT=file.c -P embed_migrations.cmake
# A string literal may be too long for a compiler, so each file becomes an array of bytes.

file(GLOB files "${DIRECTORY}/[0-9][0-9][0-9][0-9]_*.sql")
list(SORT files)
set(arrays "")
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  string(REGEX MATCH "^0*([0-9]+)" ignored "${name}")
  set(version "${CMAKE_MATCH_1}")
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const char sql_${version}[] = {${bytes}0};\n")
  string(APPEND rows "    {${version}, \"${name}\", sql_${version}, sizeof sql_${version} - 1},\n")
endforeach()
file(WRITE "${OUTPUT}" "/* made by receiver/embed_migrations.cmake */\n#include \"adapters/migrations.h\"\n\n${arrays}\n"
  "const struct migration migrations[] = {\n${rows}};\nconst int migration_count = sizeof migrations / sizeof *migrations;\n")
