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

/** `METHOD path`; without more said it is a quick question that nothing is sent with. */
function route(call: string, about: Pick<Route, 'out'> & Partial<Route>): Route {
  const [method = '', path = ''] = call.split(' ')
  return { method, path, in: null, statuses: fine, micros: quick, ...about }
}

/** A shop's API: catalogue pages with pictures, many small questions, some orders. */
export const shopRoutes: Choices<Route> = choices([
  [38, route('GET /v1/products/#', { out: { least: 3_000, doublings: 3 } })],
  [24, route('GET /v1/search?page=#', { out: { least: 12_000, doublings: 3 }, micros: slow })],
  [20, route('GET /media/#.webp', { out: { least: 60_000, doublings: 4 } })],
  [
    9,
    route('POST /v1/carts/#/items', {
      out: { least: 400, doublings: 1 },
      in: { least: 150, doublings: 2 },
      statuses: created,
    }),
  ],
  [
    5,
    route('POST /v1/orders', {
      out: { least: 900, doublings: 2 },
      in: { least: 700, doublings: 3 },
      statuses: created,
      micros: slow,
    }),
  ],
  [3, route('HEAD /v1/products/#', { out: { least: 3_000, doublings: 1 } })],
  [1, route('DELETE /v1/carts/#', { out: { least: 40, doublings: 1 }, statuses: received })],
])

/** A business application that people have open while they work. */
export const officeRoutes: Choices<Route> = choices([
  [40, route('GET /app/api/documents/#', { out: { least: 2_000, doublings: 5 }, micros: slow })],
  [22, route('GET /app/api/notifications', { out: { least: 90, doublings: 3 } })],
  [
    16,
    route('PUT /app/api/documents/#', {
      out: { least: 120, doublings: 2 },
      in: { least: 1_500, doublings: 5 },
      statuses: created,
      micros: slow,
    }),
  ],
  [12, route('GET /app/assets/#.js', { out: { least: 30_000, doublings: 4 } })],
  [6, route('GET /app/api/exports/#.pdf', { out: { least: 300 * kilobyte, doublings: 4 }, micros: slow })],
  [
    4,
    route('POST /app/api/sessions', {
      out: { least: 500, doublings: 1 },
      in: { least: 200, doublings: 1 },
      statuses: created,
    }),
  ],
])

/** A job that pushes large files in at night and asks how far they are. */
export const batchRoutes: Choices<Route> = choices([
  [
    55,
    route('PUT /batches/#/part', {
      out: { least: 60, doublings: 1 },
      in: { least: 2 * megabyte, doublings: 4 },
      statuses: created,
      micros: slow,
    }),
  ],
  [35, route('GET /batches/#/status', { out: { least: 200, doublings: 2 } })],
  [10, route('GET /batches/#/result.csv', { out: { least: megabyte, doublings: 5 }, micros: slow })],
])

/** Other systems post small notices; the answer is mostly empty. */
export const hookRoutes: Choices<Route> = choices([
  [
    60,
    route('POST /hooks/payments', {
      out: { least: 20, doublings: 1 },
      in: { least: 900, doublings: 3 },
      statuses: received,
    }),
  ],
  [
    30,
    route('POST /hooks/shipments', {
      out: { least: 20, doublings: 1 },
      in: { least: 500, doublings: 2 },
      statuses: received,
    }),
  ],
  [
    10,
    route('POST /hooks/crm/#', {
      out: { least: 20, doublings: 1 },
      in: { least: 1_200, doublings: 4 },
      statuses: received,
      micros: slow,
    }),
  ],
])

/** Few requests, many bytes. */
export const fileRoutes: Choices<Route> = choices([
  [70, route('GET /d/#/archive.zip', { out: { least: 4 * megabyte, doublings: 7 }, statuses: ranged, micros: slow })],
  [20, route('GET /d/#/preview.jpg', { out: { least: 80 * kilobyte, doublings: 3 } })],
  [
    10,
    route('POST /u/#', {
      out: { least: 200, doublings: 1 },
      in: { least: 3 * megabyte, doublings: 6 },
      statuses: created,
      micros: slow,
    }),
  ],
])

/** Somebody's own pages, looked at by friends. */
export const homepageRoutes: Choices<Route> = choices([
  [50, route('GET /notes/#', { out: { least: 4_000, doublings: 3 } })],
  [40, route('GET /photos/#.jpg', { out: { least: 200 * kilobyte, doublings: 3 } })],
  [10, route('GET /feed.xml', { out: { least: 9_000, doublings: 1 } })],
])

/** A phone app that asks often and gets little. */
export const rideRoutes: Choices<Route> = choices([
  [55, route('GET /rides/#/position', { out: { least: 180, doublings: 1 } })],
  [
    25,
    route('POST /drivers/#/position', {
      out: { least: 30, doublings: 1 },
      in: { least: 220, doublings: 1 },
      statuses: received,
    }),
  ],
  [
    12,
    route('POST /rides', {
      out: { least: 700, doublings: 1 },
      in: { least: 400, doublings: 1 },
      statuses: created,
      micros: slow,
    }),
  ],
  [8, route('GET /maps/tile/#.pbf', { out: { least: 20_000, doublings: 3 } })],
])

/** A program that tries every product, far faster than a person, and is told to stop. */
export const scraperRoutes: Choices<Route> = choices([
  [90, route('GET /v1/products/#', { out: { least: 3_000, doublings: 2 }, statuses: refused })],
  [10, route('GET /v1/search?page=#', { out: { least: 12_000, doublings: 2 }, statuses: refused })],
])

/** What still arrives at a name that nobody owns any more. */
export const leftoverRoutes: Choices<Route> = choices([
  [80, route('GET /status/#', { out: { least: 900, doublings: 2 }, statuses: unowned })],
  [
    20,
    route('POST /ingest', { out: { least: 60, doublings: 1 }, in: { least: 2_000, doublings: 4 }, statuses: unowned }),
  ],
])
