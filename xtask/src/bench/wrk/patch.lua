-- Changes a record a request, under If-Match with its latest ETag: `patch.lua BODY ID…`. Each thread
-- has one connection and a record of its own, whose ETag it asks for first.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

local path, body, tag

function init(args)
  body = args[1]
  path = wrk.path .. "/" .. args[1 + number]
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  if tag == nil then
    return wrk.format("GET", path)
  end
  wrk.headers["If-Match"] = tag
  return wrk.format("PATCH", path, nil, body)
end

function response(_, headers)
  tag = headers["etag"] or tag
end
