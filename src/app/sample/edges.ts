import type { Edge } from './habit.ts'
import { choices } from './random.ts'
import type { Choices } from './random.ts'

const frankfurt1: Edge = { source: 'edge-fra-1', region: 'eu', lagSeconds: 2 }
const frankfurt2: Edge = { source: 'edge-fra-2', region: 'eu', lagSeconds: 5 }
const ashburn: Edge = { source: 'edge-iad-1', region: 'us', lagSeconds: 1 }
const columbus: Edge = { source: 'edge-cmh-1', region: 'us', lagSeconds: 9 }
const sanJose: Edge = { source: 'edge-sjc-1', region: 'us-cal-1', lagSeconds: 4 }
const mumbai: Edge = { source: 'edge-bom-1', region: 'in', lagSeconds: 12 }
const tokyo: Edge = { source: 'edge-nrt-1', region: 'jp', lagSeconds: 3 }
const singapore: Edge = { source: 'edge-sin-1', region: 'ap', lagSeconds: 7 }
const sydney: Edge = { source: 'edge-syd-1', region: 'au', lagSeconds: 20 }

/** The servers of the sample's points of presence: every one is a source that numbers its own events. */
export const edges: readonly Edge[] = [
  frankfurt1,
  frankfurt2,
  ashburn,
  columbus,
  sanJose,
  mumbai,
  tokyo,
  singapore,
  sydney,
]

/** Where the visitors of a region arrive: mostly near, now and then at the next point of presence. */
export const near = {
  europe: choices([
    [6, frankfurt1],
    [4, frankfurt2],
    [1, ashburn],
  ]),
  americaEast: choices([
    [6, ashburn],
    [3, columbus],
    [1, frankfurt1],
  ]),
  americaWest: choices([
    [7, sanJose],
    [2, columbus],
    [1, tokyo],
  ]),
  india: choices([
    [8, mumbai],
    [1, singapore],
    [1, frankfurt2],
  ]),
  asia: choices([
    [6, tokyo],
    [3, singapore],
    [1, sanJose],
  ]),
  australia: choices([
    [8, sydney],
    [2, singapore],
  ]),
  world: choices([
    [3, frankfurt1],
    [3, ashburn],
    [2, columbus],
    [2, sanJose],
    [1, mumbai],
    [1, tokyo],
    [1, singapore],
    [1, sydney],
  ]),
} as const satisfies Record<string, Choices<Edge>>
