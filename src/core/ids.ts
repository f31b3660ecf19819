/** Branded names and numbers: an account key cannot be passed where a source is wanted. */
declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** The customer's own key for an account, as given or as an import's rule captured it. */
export type AccountKey = Brand<string, 'AccountKey'>
/** Who emitted an event: an edge server, a file, a service. */
export type SourceName = Brand<string, 'SourceName'>
export type MeterKey = Brand<string, 'MeterKey'>
export type PlanKey = Brand<string, 'PlanKey'>
export type InvoiceId = Brand<string, 'InvoiceId'>
/** Position of a record in the log: 0, 1, 2, … without holes. */
export type Offset = Brand<number, 'Offset'>

/** Traffic that no rule and no ownership assigns is counted under this key, never dropped. */
export const unattributed = 'unattributed' as AccountKey

const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$/

/** True when text can serve as the key of an account, meter, plan or endpoint owner. */
export function isKey(text: string): boolean {
  return keyPattern.test(text)
}
