-- Asks for one of many records, each as likely: `one_of.lua ID…`.

local requests = {}

function init(args)
  for number, id in ipairs(args) do
    requests[number] = wrk.format("GET", wrk.path .. "/" .. id)
  end
end

function request()
  return requests[math.random(#requests)]
end
