/** Why we mean something else (DESIGN §9 decides). */
const reasons = {
  zone: 'a zone that does not exist is refused; theirs silently counts in UTC',
  zoneUnused: 'days are those of the zone; theirs counts those of UTC',
  calendarCount: 'the calendar decides where the first period ends; theirs then skips as many as are counted at a time',
  cut31:
    'a cycle on the 31st begins on the 31st where there is one, also before the start; theirs stays cut to the 28th',
  noneEnded: 'no period has ended by then; theirs ends before it begins',
  disorder: 'seats are counted in the order of time; theirs in the order in which changes are listed',
  belowZero:
    'what corrections take below nothing is counted as nothing from then on; theirs takes back what was paid before',
  unitless: 'what events cost is owed, also where their number is zero',
  eventWithout:
    'an event without value still is an event that costs its amount; theirs costs nothing when all have none',
  capacity: 'a price is of one meter; theirs is one tier for several meters, the highest that any of them needs',
  moved: 'a moved billing day is a run over the periods of the new day; theirs cuts new items out around the old ones',
  creditLeft: 'credits that are not used up stay; theirs refuses the line',
  over100: 'a discount above 100 % is refused; theirs is cut to 100 %',
  openEnd: 'the last tier has no end; theirs leaves units beyond all tiers unbilled',
  currency: 'a currency that is not in the table',
  rule: 'a rule in words: days without traffic are left out of a percentile; ours has samples of zero there (DESIGN §8)',
  latest: 'the newest value is what was said, also below zero; theirs becomes 0',
  emptyPeriod: 'a period without length is refused; theirs has no windows',
  dailyPeaks: 'a mean of the highest days, times valid days, is a price over the days’ percentiles, not a measure',
} as const

/** Cases of `shared/oracle` that are not equal on purpose: this is the whole table, about prices and about usage. */
export const otherwise: Readonly<Record<string, string>> = {
  'fx-054': reasons.calendarCount,
  'fx-162': reasons.zone,
  'fx-184': reasons.zone,
  'fx-216': reasons.currency,
  'fx-266': reasons.zoneUnused,
  'kb-037': reasons.cut31,
  'kb-090': reasons.cut31,
  'kb-157': reasons.capacity,
  'kb-158': reasons.capacity,
  'kb-159': reasons.capacity,
  'kb-160': reasons.capacity,
  'kb-161': reasons.capacity,
  'kb-164': reasons.capacity,
  'kb-165': reasons.capacity,
  'kb-167': reasons.moved,
  'lago-036': reasons.unitless,
  'lago-037': reasons.eventWithout,
  'lago-058': reasons.disorder,
  'lago-060': reasons.disorder,
  'lago-065': reasons.belowZero,
  'lago-170': reasons.noneEnded,
  'om-rating-068': reasons.creditLeft,
  'fx2-105': reasons.over100,
  'polar-028': reasons.openEnd,
  'p95-038': reasons.rule,
  // About usage, run in src/meter/oracle.test.ts.
  'lago-119': reasons.latest,
  'fx-173': reasons.zone,
  'fx2-118': reasons.emptyPeriod,
  'p95-041': reasons.dailyPeaks,
}
