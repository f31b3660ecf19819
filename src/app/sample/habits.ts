import { near } from './edges.ts'
import type { Habit } from './habit.ts'
import { choices } from './random.ts'
import {
  batchRoutes,
  fileRoutes,
  homepageRoutes,
  hookRoutes,
  leftoverRoutes,
  officeRoutes,
  rideRoutes,
  scraperRoutes,
  shopRoutes,
} from './routes.ts'

const browsers = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
]
const programs = ['shop-sdk-js/4.2.0', 'python-requests/2.32.3', 'Go-http-client/2.0', 'okhttp/5.0.0']

const everyDay = '9999999'
const dayAndEvening = '211111245778887789998643'
const aroundTheClock = '999999999999999999999999'

const shop: readonly Habit[] = [
  {
    name: 'shop',
    zone: 'America/New_York',
    endpoints: choices([
      [7, 'api.harbor-commerce.example'],
      [3, 'media.harbor-commerce.example'],
      [1, 'partners.harbor-commerce.example'],
    ]),
    edges: near.americaEast,
    visitors: { count: 900, agents: [...programs, ...browsers] },
    flow: { kind: 'http', routes: shopRoutes },
    perDay: 2_950,
    hours: dayAndEvening,
    weekdays: '8888999',
    // A product launch: the day that somebody will ask about when the invoice comes.
    surge: { days: [17], fromHour: 10, toHour: 16, times: 9 },
    sizeUnknownOnceIn: 800,
  },
  {
    name: 'scraper',
    zone: 'UTC',
    endpoints: choices([[1, 'api.harbor-commerce.example']]),
    edges: near.europe,
    visitors: { count: 1, agents: ['PriceHarvester/1.3 (+https://harvester.example/bot)'] },
    flow: { kind: 'http', routes: scraperRoutes },
    perDay: 4_200,
    hours: '009999900000000000000000',
    weekdays: everyDay,
    onlyOn: [6, 7, 23],
  },
]

const office: Habit = {
  name: 'office',
  zone: 'Europe/Berlin',
  endpoints: choices([
    [8, 'app.kontorwerk.example'],
    [2, 'sso.kontorwerk.example'],
  ]),
  edges: near.europe,
  visitors: { count: 140, agents: browsers },
  flow: { kind: 'http', routes: officeRoutes },
  perDay: 650,
  hours: '000000149998679986310000',
  weekdays: '9999710',
}

const batch: Habit = {
  name: 'batch',
  zone: 'Europe/London',
  endpoints: choices([[1, 'intake.nightjar-data.example']]),
  edges: near.europe,
  visitors: { count: 6, agents: ['nightjar-loader/2.8'] },
  flow: { kind: 'http', routes: batchRoutes },
  perDay: 190,
  hours: '069993000000000000000000',
  weekdays: everyDay,
}

const hooks: Habit = {
  name: 'hooks',
  zone: 'America/Chicago',
  endpoints: choices([[1, 'hooks.relaypoint.example']]),
  edges: near.americaEast,
  visitors: { count: 24, agents: ['Payments-Webhook/1.0', 'ShipNotify/3', 'crm-dispatch/0.9'] },
  flow: { kind: 'http', routes: hookRoutes },
  perDay: 200,
  hours: dayAndEvening,
  weekdays: '9999977',
}

const games: readonly Habit[] = [
  {
    name: 'arena',
    zone: 'Asia/Tokyo',
    endpoints: choices([[1, 'arena.kumo-games.example']]),
    edges: near.asia,
    visitors: { count: 300, agents: ['KumoArena/7.1 (Android)', 'KumoArena/7.1 (iOS)'] },
    flow: {
      kind: 'websocket',
      path: '/play',
      connection: {
        seconds: { least: 900, doublings: 5 },
        outPerMinute: { least: 90_000, doublings: 2 },
        inPerMinute: { least: 20_000, doublings: 2 },
      },
    },
    perDay: 85,
    hours: '631000001111222234678999',
    weekdays: '6666899',
  },
  {
    name: 'match',
    zone: 'Asia/Tokyo',
    endpoints: choices([[1, 'tcp-3.northlight.example:24301']]),
    edges: near.asia,
    visitors: { count: 300, agents: [] },
    flow: {
      kind: 'tcp',
      connection: {
        seconds: { least: 60, doublings: 4 },
        outPerMinute: { least: 150_000, doublings: 2 },
        inPerMinute: { least: 40_000, doublings: 2 },
      },
    },
    perDay: 230,
    hours: '631000001111222234678999',
    weekdays: '6666899',
  },
]

const files: Habit = {
  name: 'files',
  zone: 'America/Los_Angeles',
  endpoints: choices([
    [4, 'dl.driftbox.example'],
    [1, 'up.driftbox.example'],
  ]),
  edges: near.americaWest,
  visitors: { count: 180, agents: [...browsers, 'curl/8.14.1', 'aria2/1.37.0'] },
  flow: { kind: 'http', routes: fileRoutes },
  perDay: 120,
  hours: dayAndEvening,
  weekdays: '7777899',
  sizeUnknownOnceIn: 150,
}

const hobby: readonly Habit[] = [
  {
    name: 'workshop',
    zone: 'Australia/Sydney',
    endpoints: choices([[1, 'mira.northlight.example']]),
    edges: near.australia,
    visitors: { count: 30, agents: browsers },
    flow: { kind: 'http', routes: homepageRoutes },
    perDay: 70,
    hours: '000000011222111222579851',
    weekdays: '3333599',
  },
  {
    name: 'first-steps',
    zone: 'America/Sao_Paulo',
    endpoints: choices([[1, 'quiet-otter.northlight.example']]),
    edges: near.americaEast,
    visitors: { count: 4, agents: ['curl/8.14.1', ...browsers] },
    flow: { kind: 'http', routes: homepageRoutes },
    perDay: 22,
    hours: '000000000012332345432100',
    weekdays: '5555599',
  },
]

const moved: Habit = {
  name: 'moved',
  zone: 'Europe/Paris',
  endpoints: choices([
    [3, 'www.papier-et-fil.example'],
    [2, 'studio.papier-et-fil.example'],
  ]),
  edges: near.europe,
  visitors: { count: 60, agents: browsers },
  flow: { kind: 'http', routes: homepageRoutes },
  perDay: 150,
  hours: dayAndEvening,
  weekdays: '7777799',
}

const rides: Habit = {
  name: 'rides',
  zone: 'Asia/Kolkata',
  endpoints: choices([
    [5, 'api.chaloride.example'],
    [1, 'maps.chaloride.example'],
  ]),
  edges: near.india,
  visitors: { count: 400, agents: ['ChaloRide/5.2 (Android)', 'ChaloRide/5.2 (iOS)'] },
  flow: { kind: 'http', routes: rideRoutes },
  perDay: 300,
  hours: '100001368985444456998742',
  weekdays: '9999965',
}

const sensors: Habit = {
  name: 'sensors',
  zone: 'Europe/Oslo',
  endpoints: choices([[1, 'mqtt.fjordsense.example']]),
  edges: near.europe,
  visitors: { count: 200, agents: [] },
  flow: {
    kind: 'tls',
    connection: {
      seconds: { least: 20, doublings: 3 },
      outPerMinute: { least: 1_500, doublings: 1 },
      inPerMinute: { least: 9_000, doublings: 2 },
    },
  },
  perDay: 210,
  hours: aroundTheClock,
  weekdays: everyDay,
}

/** Names that still point at the edge although no account owns them. */
const leftovers: readonly Habit[] = [
  {
    name: 'leftover-host',
    zone: 'UTC',
    endpoints: choices([[1, 'old-status.northlight.example']]),
    edges: near.world,
    visitors: { count: 12, agents: ['UptimeWatch/2.0', 'curl/8.14.1'] },
    flow: { kind: 'http', routes: leftoverRoutes },
    perDay: 60,
    hours: aroundTheClock,
    weekdays: everyDay,
  },
  {
    name: 'leftover-address',
    zone: 'UTC',
    endpoints: choices([[1, 'tcp-7.northlight.example:20555']]),
    edges: near.world,
    visitors: { count: 40, agents: [] },
    flow: {
      kind: 'tcp',
      connection: {
        seconds: { least: 1, doublings: 4 },
        outPerMinute: { least: 300, doublings: 2 },
        inPerMinute: { least: 300, doublings: 2 },
      },
    },
    perDay: 12,
    hours: aroundTheClock,
    weekdays: everyDay,
  },
]

/** Everything that goes on at the sample company's edge. The order is part of the sample: it seeds the streams. */
export const habits: readonly Habit[] = [
  ...shop,
  office,
  batch,
  hooks,
  ...games,
  files,
  ...hobby,
  moved,
  rides,
  sensors,
  ...leftovers,
]
