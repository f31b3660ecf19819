import type { Currency } from '../../core/money.ts'

/** An account of the sample: where its day begins, what it pays in, which plan, which endpoints. */
export interface SampleAccount {
  readonly key: string
  readonly name: string
  readonly timeZone: string
  readonly currency: Currency
  readonly plan: string
  readonly endpoints: readonly string[]
}

/** A dozen accounts with different habits and time zones, and two that share an endpoint one after the other. */
export const sampleAccounts: readonly SampleAccount[] = [
  {
    key: 'harbor-commerce',
    name: 'Harbor Commerce',
    timeZone: 'America/New_York',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['api.harbor-commerce.example', 'media.harbor-commerce.example', 'partners.harbor-commerce.example'],
  },
  {
    key: 'kontorwerk',
    name: 'Kontorwerk GmbH',
    timeZone: 'Europe/Berlin',
    currency: 'EUR',
    plan: 'volume-eur',
    endpoints: ['app.kontorwerk.example', 'sso.kontorwerk.example'],
  },
  {
    key: 'nightjar-data',
    name: 'Nightjar Data',
    timeZone: 'Europe/London',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['intake.nightjar-data.example'],
  },
  {
    key: 'relaypoint',
    name: 'Relaypoint',
    timeZone: 'America/Chicago',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['hooks.relaypoint.example'],
  },
  {
    key: 'kumo-games',
    name: 'Kumo Games',
    timeZone: 'Asia/Tokyo',
    currency: 'JPY',
    plan: 'pay-as-you-go-jpy',
    endpoints: ['arena.kumo-games.example', 'tcp-3.northlight.example:24301'],
  },
  {
    key: 'driftbox',
    name: 'Driftbox',
    timeZone: 'America/Los_Angeles',
    currency: 'USD',
    plan: 'volume',
    endpoints: ['dl.driftbox.example', 'up.driftbox.example'],
  },
  {
    key: 'mira-workshop',
    name: 'Mira’s Workshop',
    timeZone: 'Australia/Sydney',
    currency: 'USD',
    plan: 'hobbyist',
    endpoints: ['mira.northlight.example'],
  },
  {
    key: 'first-steps',
    name: 'First Steps',
    timeZone: 'America/Sao_Paulo',
    currency: 'USD',
    plan: 'free',
    endpoints: ['quiet-otter.northlight.example'],
  },
  {
    key: 'old-mill-museum',
    name: 'Old Mill Museum',
    timeZone: 'America/Toronto',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['www.old-mill-museum.example'],
  },
  {
    key: 'papier-et-fil',
    name: 'Papier & Fil',
    timeZone: 'Europe/Paris',
    currency: 'EUR',
    plan: 'volume-eur',
    endpoints: ['www.papier-et-fil.example', 'studio.papier-et-fil.example'],
  },
  {
    key: 'studio-fil',
    name: 'Studio Fil',
    timeZone: 'Europe/Paris',
    currency: 'EUR',
    plan: 'volume-eur',
    endpoints: [],
  },
  {
    key: 'chaloride',
    name: 'ChaloRide',
    timeZone: 'Asia/Kolkata',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['api.chaloride.example', 'maps.chaloride.example'],
  },
  {
    key: 'fjordsense',
    name: 'Fjordsense',
    timeZone: 'Europe/Oslo',
    currency: 'USD',
    plan: 'pay-as-you-go',
    endpoints: ['mqtt.fjordsense.example'],
  },
]

/** One endpoint changes hands in the middle of the first month, at noon in its zone. */
export const sampleMove = {
  endpoint: 'studio.papier-et-fil.example',
  to: 'studio-fil',
  timeZone: 'Europe/Paris',
  day: 16,
  hour: 12,
} as const
