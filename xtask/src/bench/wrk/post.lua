-- POSTs a body: `post.lua BODY [keyed]`, the latter under an Idempotency-Key of its own each time.

function init(args)
  wrk.method = "POST"
  wrk.body = args[1]
  wrk.headers["Content-Type"] = "application/json"
  if args[2] == "keyed" then
    local number, run = 0, os.time() .. tostring({}):sub(8)
    request = function()
      number = number + 1
      wrk.headers["Idempotency-Key"] = run .. "-" .. number
      return wrk.format()
    end
  end
end
