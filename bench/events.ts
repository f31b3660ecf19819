/** Lines `from` to `from + count`: numbered events of four edge servers with everything an access log has. */
export function eventLines(from: number, count: number, minute: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index
    const spread = (number * 104_729) % 50_000
    return JSON.stringify({
      source: `edge-${number % 4}`,
      seq: Math.floor(number / 4) + 1,
      kind: 'http_request',
      time: new Date(minute - (spread % 3_600) * 1_000).toISOString(),
      account: `customer-${spread % 500}`,
      endpoint: `api-${spread % 900}.example.com`,
      protocol: 'HTTP/1.1',
      method: spread % 5 === 0 ? 'POST' : 'GET',
      status: spread % 40 === 0 ? 500 : 200,
      bytes_out_wire: 300 + (spread % 9_000),
      bytes_out_body: spread % 9_000,
      bytes_in_wire: 200 + (spread % 700),
      duration_us: 900 + spread,
      client_address: `192.0.2.${spread % 250}`,
      path: `/v1/things/${spread}?page=${spread % 9}`,
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    })
  })
}

/** Bodies of NDJSON with so many events each, one after the other without end. */
export function* bodies(perRequest: number, minute: number): Generator<Buffer, never> {
  for (let from = 0; ; from += perRequest) yield Buffer.from(eventLines(from, perRequest, minute).join('\n'))
}
