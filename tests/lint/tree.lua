-- SPDX-License-Identifier: MIT
--
-- What the lints share: listing and reading the files of a source tree,
-- collecting findings, and the end of a run. A lint is called as
-- `luajit tests/lint/<lint>.lua ROOT` and exits with 1 if it found anything.

local tree = {}

-- Paths relative to root, sorted, of files below `folders` whose name ends in
-- one of the letters, as find's -name takes it ("*.[ch]").
function tree.list(root, folders, pattern)
    local paths = {}
    for _, folder in ipairs(folders) do
        local command = string.format(
            "cd '%s' && find %s -type f -name '%s' 2>/dev/null | LC_ALL=C sort",
            root, folder, pattern)
        local pipe = assert(io.popen(command))
        for path in pipe:lines() do
            paths[#paths + 1] = path
        end
        pipe:close()
    end
    return paths
end

function tree.exists(root, path)
    local file = io.open(root .. "/" .. path, "r")
    if file then
        file:close()
    end
    return file ~= nil
end

function tree.read(root, path)
    local file = assert(io.open(root .. "/" .. path, "r"))
    local text = file:read("*a")
    file:close()
    return text
end

-- Iterates (number, line) over a text.
function tree.lines(text)
    local number = 0
    local next_line = (text:sub(-1) == "\n" and text or text .. "\n")
        :gmatch("(.-)\n")
    return function()
        local line = next_line()
        if line then
            number = number + 1
            return number, line
        end
    end
end

function tree.folder(path)
    return path:match("^(.*)/[^/]*$") or ""
end

-- The layer that a path belongs to: core/base, bindings, core/main.c.
function tree.layer(path)
    return path:match("^core/[^/]+") or path:match("^[^/]+")
end

-- Prints what a lint found and ends the process with its verdict.
function tree.finish(name, checked, findings)
    for _, finding in ipairs(findings) do
        print(finding)
    end
    print(string.format("%s: %d checked, %d wrong", name, checked, #findings))
    os.exit(#findings == 0 and 0 or 1)
end

return tree
