import type { Route } from './habit.ts'
import { choices } from './random.ts'
import type { Choices, Spread } from './random.ts'

const kilobyte = 1_000
const megabyte = 1_000_000

const quick: Spread = { least: 4_000, doublings: 6 }
const slow: Spread = { least: 120_000, doublings: 7 }

const fine = choices([
  [960, 200],
  [18, 304],
  [12, 404],
  [6, 499],
  [3, 500],
  [1, 503],
])
const created = choices([
  [940, 201],
  [35, 400],
  [15, 409],
  [7, 429],
  [3, 500],
])
const received = choices([
  [900, 204],
  [70, 200],
  [20, 401],
  [10, 500],
])
const ranged = choices([
  [60, 200],
  [36, 206],
  [3, 304],
  [1, 499],
])
const refused = choices([
  [55, 429],
  [30, 403],
  [15, 200],
])
const unowned = choices([
  [70, 404],
  [20, 200],
  [10, 502],
])

function spread(least: number, doublings: number): Spread {
  return { least, doublings }
}

/** `METHOD path`; without more said it is a quick question that nothing is sent with. */
function route(call: string, about: Pick<Route, 'out'> & Partial<Route>): Route {
  const [method = '', path = ''] = call.split(' ')
  return { method, path, in: null, statuses: fine, micros: quick, ...about }
}

/** A shop's API: catalogue pages with pictures, many small questions, some orders. */
export const shopRoutes: Choices<Route> = choices([
  [38, route('GET /v1/products/#', { out: spread(3_000, 3) })],
  [24, route('GET /v1/search?page=#', { out: spread(12_000, 3), micros: slow })],
  [20, route('GET /media/#.webp', { out: spread(60_000, 4) })],
  [9, route('POST /v1/carts/#/items', { out: spread(400, 1), in: spread(150, 2), statuses: created })],
  [5, route('POST /v1/orders', { out: spread(900, 2), in: spread(700, 3), statuses: created, micros: slow })],
  [3, route('HEAD /v1/products/#', { out: spread(3_000, 1) })],
  [1, route('DELETE /v1/carts/#', { out: spread(40, 1), statuses: received })],
])

/** A business application that people have open while they work. */
export const officeRoutes: Choices<Route> = choices([
  [40, route('GET /app/api/documents/#', { out: spread(2_000, 5), micros: slow })],
  [22, route('GET /app/api/notifications', { out: spread(90, 3) })],
  [
    16,
    route('PUT /app/api/documents/#', { out: spread(120, 2), in: spread(1_500, 5), statuses: created, micros: slow }),
  ],
  [12, route('GET /app/assets/#.js', { out: spread(30_000, 4) })],
  [6, route('GET /app/api/exports/#.pdf', { out: spread(300 * kilobyte, 4), micros: slow })],
  [4, route('POST /app/api/sessions', { out: spread(500, 1), in: spread(200, 1), statuses: created })],
])

/** A job that pushes large files in at night and asks how far they are. */
export const batchRoutes: Choices<Route> = choices([
  [
    55,
    route('PUT /batches/#/part', { out: spread(60, 1), in: spread(2 * megabyte, 4), statuses: created, micros: slow }),
  ],
  [35, route('GET /batches/#/status', { out: spread(200, 2) })],
  [10, route('GET /batches/#/result.csv', { out: spread(megabyte, 5), micros: slow })],
])

/** Other systems post small notices; the answer is mostly empty. */
export const hookRoutes: Choices<Route> = choices([
  [60, route('POST /hooks/payments', { out: spread(20, 1), in: spread(900, 3), statuses: received })],
  [30, route('POST /hooks/shipments', { out: spread(20, 1), in: spread(500, 2), statuses: received })],
  [10, route('POST /hooks/crm/#', { out: spread(20, 1), in: spread(1_200, 4), statuses: received, micros: slow })],
])

/** Few requests, many bytes. */
export const fileRoutes: Choices<Route> = choices([
  [70, route('GET /d/#/archive.zip', { out: spread(4 * megabyte, 7), statuses: ranged, micros: slow })],
  [20, route('GET /d/#/preview.jpg', { out: spread(80 * kilobyte, 3) })],
  [10, route('POST /u/#', { out: spread(200, 1), in: spread(3 * megabyte, 6), statuses: created, micros: slow })],
])

/** Somebody's own pages, looked at by friends. */
export const homepageRoutes: Choices<Route> = choices([
  [50, route('GET /notes/#', { out: spread(4_000, 3) })],
  [40, route('GET /photos/#.jpg', { out: spread(200 * kilobyte, 3) })],
  [10, route('GET /feed.xml', { out: spread(9_000, 1) })],
])

/** A phone app that asks often and gets little. */
export const rideRoutes: Choices<Route> = choices([
  [55, route('GET /rides/#/position', { out: spread(180, 1) })],
  [25, route('POST /drivers/#/position', { out: spread(30, 1), in: spread(220, 1), statuses: received })],
  [12, route('POST /rides', { out: spread(700, 1), in: spread(400, 1), statuses: created, micros: slow })],
  [8, route('GET /maps/tile/#.pbf', { out: spread(20_000, 3) })],
])

/** A program that tries every product, far faster than a person, and is told to stop. */
export const scraperRoutes: Choices<Route> = choices([
  [90, route('GET /v1/products/#', { out: spread(3_000, 2), statuses: refused })],
  [10, route('GET /v1/search?page=#', { out: spread(12_000, 2), statuses: refused })],
])

/** What still arrives at a name that nobody owns any more. */
export const leftoverRoutes: Choices<Route> = choices([
  [80, route('GET /status/#', { out: spread(900, 2), statuses: unowned })],
  [20, route('POST /ingest', { out: spread(60, 1), in: spread(2_000, 4), statuses: unowned })],
])
