import type { Route } from './habit.ts'
import { choices } from './random.ts'
import type { Choices } from './random.ts'

const kilobyte = 1_000
const megabyte = 1_000_000

const quick = { least: 4_000, doublings: 6 }
const slow = { least: 120_000, doublings: 7 }

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

/** A shop's API: catalogue pages with pictures, many small questions, some orders. */
export const shopRoutes: Choices<Route> = choices<Route>([
  [
    38,
    {
      method: 'GET',
      path: '/v1/products/#',
      out: { least: 3_000, doublings: 3 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    24,
    {
      method: 'GET',
      path: '/v1/search?page=#',
      out: { least: 12_000, doublings: 3 },
      in: null,
      statuses: fine,
      micros: slow,
    },
  ],
  [
    20,
    {
      method: 'GET',
      path: '/media/#.webp',
      out: { least: 60_000, doublings: 4 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    9,
    {
      method: 'POST',
      path: '/v1/carts/#/items',
      out: { least: 400, doublings: 1 },
      in: { least: 150, doublings: 2 },
      statuses: created,
      micros: quick,
    },
  ],
  [
    5,
    {
      method: 'POST',
      path: '/v1/orders',
      out: { least: 900, doublings: 2 },
      in: { least: 700, doublings: 3 },
      statuses: created,
      micros: slow,
    },
  ],
  [
    3,
    {
      method: 'HEAD',
      path: '/v1/products/#',
      out: { least: 3_000, doublings: 1 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    1,
    {
      method: 'DELETE',
      path: '/v1/carts/#',
      out: { least: 40, doublings: 1 },
      in: null,
      statuses: received,
      micros: quick,
    },
  ],
])

/** A business application that people have open while they work. */
export const officeRoutes: Choices<Route> = choices<Route>([
  [
    40,
    {
      method: 'GET',
      path: '/app/api/documents/#',
      out: { least: 2_000, doublings: 5 },
      in: null,
      statuses: fine,
      micros: slow,
    },
  ],
  [
    22,
    {
      method: 'GET',
      path: '/app/api/notifications',
      out: { least: 90, doublings: 3 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    16,
    {
      method: 'PUT',
      path: '/app/api/documents/#',
      out: { least: 120, doublings: 2 },
      in: { least: 1_500, doublings: 5 },
      statuses: created,
      micros: slow,
    },
  ],
  [
    12,
    {
      method: 'GET',
      path: '/app/assets/#.js',
      out: { least: 30_000, doublings: 4 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    6,
    {
      method: 'GET',
      path: '/app/api/exports/#.pdf',
      out: { least: 300 * kilobyte, doublings: 4 },
      in: null,
      statuses: fine,
      micros: slow,
    },
  ],
  [
    4,
    {
      method: 'POST',
      path: '/app/api/sessions',
      out: { least: 500, doublings: 1 },
      in: { least: 200, doublings: 1 },
      statuses: created,
      micros: quick,
    },
  ],
])

/** A job that pushes large files in at night and asks how far they are. */
export const batchRoutes: Choices<Route> = choices<Route>([
  [
    55,
    {
      method: 'PUT',
      path: '/batches/#/part',
      out: { least: 60, doublings: 1 },
      in: { least: 2 * megabyte, doublings: 4 },
      statuses: created,
      micros: slow,
    },
  ],
  [
    35,
    {
      method: 'GET',
      path: '/batches/#/status',
      out: { least: 200, doublings: 2 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    10,
    {
      method: 'GET',
      path: '/batches/#/result.csv',
      out: { least: megabyte, doublings: 5 },
      in: null,
      statuses: fine,
      micros: slow,
    },
  ],
])

/** Other systems post small notices; the answer is mostly empty. */
export const hookRoutes: Choices<Route> = choices<Route>([
  [
    60,
    {
      method: 'POST',
      path: '/hooks/payments',
      out: { least: 20, doublings: 1 },
      in: { least: 900, doublings: 3 },
      statuses: received,
      micros: quick,
    },
  ],
  [
    30,
    {
      method: 'POST',
      path: '/hooks/shipments',
      out: { least: 20, doublings: 1 },
      in: { least: 500, doublings: 2 },
      statuses: received,
      micros: quick,
    },
  ],
  [
    10,
    {
      method: 'POST',
      path: '/hooks/crm/#',
      out: { least: 20, doublings: 1 },
      in: { least: 1_200, doublings: 4 },
      statuses: received,
      micros: slow,
    },
  ],
])

/** Few requests, many bytes. */
export const fileRoutes: Choices<Route> = choices<Route>([
  [
    70,
    {
      method: 'GET',
      path: '/d/#/archive.zip',
      out: { least: 4 * megabyte, doublings: 7 },
      in: null,
      statuses: ranged,
      micros: slow,
    },
  ],
  [
    20,
    {
      method: 'GET',
      path: '/d/#/preview.jpg',
      out: { least: 80 * kilobyte, doublings: 3 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    10,
    {
      method: 'POST',
      path: '/u/#',
      out: { least: 200, doublings: 1 },
      in: { least: 3 * megabyte, doublings: 6 },
      statuses: created,
      micros: slow,
    },
  ],
])

/** Somebody's own pages, looked at by friends. */
export const homepageRoutes: Choices<Route> = choices<Route>([
  [
    50,
    { method: 'GET', path: '/notes/#', out: { least: 4_000, doublings: 3 }, in: null, statuses: fine, micros: quick },
  ],
  [
    40,
    {
      method: 'GET',
      path: '/photos/#.jpg',
      out: { least: 200 * kilobyte, doublings: 3 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    10,
    { method: 'GET', path: '/feed.xml', out: { least: 9_000, doublings: 1 }, in: null, statuses: fine, micros: quick },
  ],
])

/** A phone app that asks often and gets little. */
export const rideRoutes: Choices<Route> = choices<Route>([
  [
    55,
    {
      method: 'GET',
      path: '/rides/#/position',
      out: { least: 180, doublings: 1 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
  [
    25,
    {
      method: 'POST',
      path: '/drivers/#/position',
      out: { least: 30, doublings: 1 },
      in: { least: 220, doublings: 1 },
      statuses: received,
      micros: quick,
    },
  ],
  [
    12,
    {
      method: 'POST',
      path: '/rides',
      out: { least: 700, doublings: 1 },
      in: { least: 400, doublings: 1 },
      statuses: created,
      micros: slow,
    },
  ],
  [
    8,
    {
      method: 'GET',
      path: '/maps/tile/#.pbf',
      out: { least: 20_000, doublings: 3 },
      in: null,
      statuses: fine,
      micros: quick,
    },
  ],
])

/** A program that tries every product, far faster than a person, and is told to stop. */
export const scraperRoutes: Choices<Route> = choices<Route>([
  [
    90,
    {
      method: 'GET',
      path: '/v1/products/#',
      out: { least: 3_000, doublings: 2 },
      in: null,
      statuses: refused,
      micros: quick,
    },
  ],
  [
    10,
    {
      method: 'GET',
      path: '/v1/search?page=#',
      out: { least: 12_000, doublings: 2 },
      in: null,
      statuses: refused,
      micros: quick,
    },
  ],
])

/** What still arrives at a name that nobody owns any more. */
export const leftoverRoutes: Choices<Route> = choices<Route>([
  [
    80,
    { method: 'GET', path: '/status/#', out: { least: 900, doublings: 2 }, in: null, statuses: unowned, micros: quick },
  ],
  [
    20,
    {
      method: 'POST',
      path: '/ingest',
      out: { least: 60, doublings: 1 },
      in: { least: 2_000, doublings: 4 },
      statuses: unowned,
      micros: quick,
    },
  ],
])
