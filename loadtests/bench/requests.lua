-- Sends the paths of a file in turn, and tells what came of it as one line of JSON.
-- Arguments: the file; the line to begin after; the method.
local paths, at, method, body = {}, 0, "GET", nil

function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
  at = tonumber(args[2]) % #paths
  method = args[3]
  if method == "POST" then
    body = "{}"
    wrk.headers["Content-Type"] = "application/json"
  end
end

function request()
  at = at % #paths + 1
  return wrk.format(method, paths[at], nil, body)
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"bytes":%d,"lost":%d,"refused":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
