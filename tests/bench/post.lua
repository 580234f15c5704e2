-- wrk's side of a measurement: posts the lines of a file, each once, on whichever connection is free.
local lines, head

function init(arguments)
  lines = assert(io.open(arguments[1]))
  head = table.concat({
    "POST /api/v1/external-signals/sync/signal HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    "X-API-Key: " .. arguments[2],
    "Content-Length: ",
  }, "\r\n")
end

function request()
  local line = lines:read()
  if not line then
    io.stderr:write("the file has too few signals\n")
    os.exit(1)
  end
  return head .. #line .. "\r\n\r\n" .. line
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %f, "p90": %f, "p99": %f, "worst": %f, "bad": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency.max, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
