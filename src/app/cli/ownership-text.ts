/** What `crossfoot ownership` prints of the service's answers. */

interface Row {
  readonly endpoint: string
  readonly account: string
  readonly from: string
  readonly to: string | null
}

interface Decision {
  readonly decision: string
  readonly kind: string
  readonly at: string
  readonly author: string | null
  readonly reason: string | null
  readonly accounts: readonly string[]
  readonly endpoints: readonly string[]
}

export interface OwnersAnswer {
  readonly endpoint: string
  readonly owners: readonly Row[]
  readonly wildcards: readonly Row[]
  readonly decisions: readonly Decision[]
}

interface Traffic {
  readonly events: string
  readonly parts: readonly {
    readonly endpoint: string | null
    readonly names: string | null
    readonly from_account: string
    readonly to_account: string
    readonly events: string
    readonly first: string
    readonly last: string
  }[]
  readonly more_parts: number
  readonly effects: readonly {
    readonly account: string
    readonly meter: string
    readonly unit: string
    readonly change: string
  }[]
  readonly not_previewed: readonly string[]
  readonly invoices: readonly string[]
}

export interface ChangeAnswer {
  readonly status: string
  readonly removed?: readonly Row[]
  readonly added?: readonly Row[]
  readonly subscriptions?: readonly { readonly plan: string; readonly becomes: string }[]
  readonly keys?: readonly { readonly id: string; readonly name: string }[]
  readonly traffic: Traffic
  readonly moved: number
  readonly left: string
}

export interface UnattributedAnswer {
  readonly events: string
  readonly endpoints: readonly {
    readonly endpoint: string | null
    readonly events: string
    readonly first_seen: string
    readonly last_seen: string
    readonly quantities: Readonly<Record<string, string>>
    readonly candidates: readonly { readonly account: string; readonly why: string }[]
  }[]
  readonly others: { readonly endpoints: number; readonly events: string }
  readonly quantities: Readonly<Record<string, string>>
  readonly value: { readonly amount: string; readonly currency: string; readonly plan: string } | null
  readonly no_value: string | null
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')
const events = (count: string | number): string => `${count} ${String(count) === '1' ? 'event' : 'events'}`

function rowText({ endpoint, account, from, to }: Row): string {
  return `${endpoint}  ${account}  ${from} until ${to ?? 'further notice'}`
}

export function decisionText(made: Decision): string {
  const who = made.author === null ? 'nobody named' : `${made.author}: ${made.reason ?? ''}`
  const about = [made.accounts.join(', '), made.endpoints.join(', ')].filter((text) => text !== '').join('; ')
  return `${made.at}  ${made.kind}  ${about}  ${who}`
}

export function ownersText({ endpoint, owners, wildcards, decisions }: OwnersAnswer): string {
  return lines([
    ...(owners.length === 0 ? [`nobody owns ${endpoint} by its own name`] : owners.map(rowText)),
    ...(wildcards.length === 0 ? [] : ['by wildcards:', ...wildcards.map((row) => `  ${rowText(row)}`)]),
    ...(decisions.length === 0 ? [] : ['decisions:', ...decisions.map((made) => `  ${decisionText(made)}`)]),
  ])
}

export function trafficText({ parts, more_parts: more, effects, not_previewed: open, invoices }: Traffic): string {
  return lines([
    ...parts.map(
      (part) =>
        `  ${part.endpoint ?? '(no endpoint)'}${part.names === null ? '' : ` naming ${part.names}`}: ` +
        `${part.from_account} → ${part.to_account}, ${events(part.events)}, ${part.first} to ${part.last}`,
    ),
    ...(more === 0 ? [] : [`  and ${more} more parts`]),
    ...effects.map(({ account, meter, unit, change }) => `  ${meter} of ${account}: ${change} ${unit}`),
    ...(open.length === 0 || parts.length === 0 ? [] : [`  not known before: ${open.join(', ')}`]),
    ...(invoices.length === 0 ? [] : [`  issued invoices that stay as they are: ${invoices.join(', ')}`]),
  ])
}

function movedText({ status, moved, left, traffic }: ChangeAnswer): string {
  switch (status) {
    case 'planned':
      return `${events(left)} of stored traffic would belong to another account\n${trafficText(traffic)}`
    case 'recorded':
      return `${events(left)} of stored traffic belong to another account now; move them with --reattribute\n${trafficText(traffic)}`
    default:
      return `${events(moved)} moved\n`
  }
}

export function changeText(answer: ChangeAnswer): string {
  const { removed = [], added = [], subscriptions = [], keys = [], status } = answer
  const isSame = removed.length + added.length === 0
  return (
    lines([
      ...(isSame ? [] : removed.map((row) => `- ${rowText(row)}`)),
      ...(isSame ? [] : added.map((row) => `+ ${rowText(row)}`)),
      ...subscriptions.map(
        ({ plan, becomes }) => `subscription to ${plan} ${status === 'planned' ? 'would be' : 'is'} ${becomes}`,
      ),
      ...(keys.length === 0 ? [] : [`keys that stay bound to it: ${keys.map(({ id }) => id).join(', ')}`]),
    ]) + movedText(answer)
  )
}

export function unattributedText(answer: UnattributedAnswer): string {
  const { endpoints, others, value, no_value: why } = answer
  return lines([
    `${events(answer.events)} that nobody owns, ${answer.quantities['data_out_wire'] ?? '0'} bytes out`,
    value === null
      ? `without a value: ${why ?? 'not known'}`
      : `worth ${value.amount} ${value.currency} under plan ${value.plan}`,
    ...endpoints.map((one) => {
      const may = one.candidates.map(({ account, why: reason }) => `${account} (${reason})`).join(', ')
      return (
        `  ${one.endpoint ?? '(no endpoint)'}: ${events(one.events)}, ${one.quantities['data_out_wire'] ?? '0'} bytes out, ` +
        `${one.first_seen} to ${one.last_seen}${may === '' ? '' : `; may belong to ${may}`}`
      )
    }),
    ...(others.endpoints === 0 ? [] : [`  ${others.endpoints} other endpoints: ${events(others.events)}`]),
  ])
}
