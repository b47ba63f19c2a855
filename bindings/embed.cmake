# SPDX-License-Identifier: MIT
#
# Makes a C file with the bytes of a Lua file:
# cmake -D IN=x.lua -D OUT=x.c -D NAME=x -P embed.cmake
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(............................................................)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}"
    "/* Made from ${NAME}.lua by embed.cmake. */\n"
    "#include \"bindings/embedded.h\"\n"
    "static const char bytes[] = {\n${bytes}\n};\n"
    "const struct sl_slice sl_embedded_${NAME} = { bytes, sizeof(bytes) };\n")
