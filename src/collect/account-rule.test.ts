import { describe, expect, test } from 'vitest'
import { applyAccountRule, parseAccountRule } from './account-rule.ts'
import { formats } from './formats.ts'

const json = formats['nginx-json'].fieldExists
const combined = formats['apache-combined'].fieldExists

function rule(text: string, exists = json) {
  const found = parseAccountRule(text, exists)
  if (!found.ok) throw new Error(found.error)
  const { value } = found
  return value.kind === 'pattern' ? [value.field, value.pattern.source] : value
}

function errorOf(text: string, exists = json) {
  const found = parseAccountRule(text, exists)
  return found.ok ? undefined : found.error
}

function accountOf(text: string, fields: Record<string, string>) {
  const found = parseAccountRule(text, json)
  if (!found.ok) throw new Error(found.error)
  const outcome = applyAccountRule(found.value, (field) => fields[field])
  return outcome.kind === 'account' ? outcome.account : outcome.kind
}

describe('parseAccountRule', () => {
  test('every form', () => {
    const pattern = '/dashboard/([A-Za-z0-9]+)'
    expect(rule('account=acme')).toEqual({ kind: 'constant', account: 'acme' })
    expect(rule('host')).toEqual({ kind: 'field', field: 'host' })
    expect(rule('field=tenant.id')).toEqual({ kind: 'field', field: 'tenant.id' })
    expect(rule('tenant')).toEqual({ kind: 'field', field: 'tenant' })
    expect(rule(pattern)).toEqual(['request', new RegExp(pattern).source])
    expect(rule(`request~${pattern}`)).toEqual(rule(pattern))
    expect(rule(`request:${pattern}`)).toEqual(rule(pattern))
    expect(rule(`regex:request:${pattern}`)).toEqual(rule(pattern))
    expect(rule('tenant~^(a|b):')).toEqual(['tenant', '^(a|b):'])
    expect(rule('regex:tenant:^(a):')).toEqual(['tenant', '^(a):'])
  })

  test('a regex that looks like another form is a regex', () => {
    expect(rule('account=([a-z]+)')).toEqual(['request', 'account=([a-z]+)'])
    expect(rule('tenant:([a-z]+)')).toEqual(['request', 'tenant:([a-z]+)'])
    expect(rule('[?&]t~([a-z]+)')).toEqual(['request', '[?&]t~([a-z]+)'])
  })

  test('what is no rule is refused with the reason', () => {
    expect(errorOf('/dashboard/')).toBe('the regex /dashboard/ has no capture group (…) around the account')
    expect(errorOf('/(?:dashboard)/x')).toMatch(/no capture group/)
    expect(errorOf('/dashboard/([a-z')).toMatch(/Invalid regular expression/)
    expect(errorOf('tenant', combined)).toBe('this format has no field "tenant"')
    expect(errorOf('host', combined)).toBe('this format has no field "host"')
    expect(errorOf('tenant~(a)', combined)).toBe('this format has no field "tenant"')
    expect(errorOf('user', combined)).toBeUndefined()
    expect(errorOf('')).toBeDefined()
  })
})

describe('applyAccountRule', () => {
  test('the group is the account', () => {
    expect(accountOf('/t/([^/ ]+)', { request: 'GET /t/acme/x HTTP/1.1' })).toBe('acme')
    expect(accountOf('^(?:a-(\\w+)|b-(\\w+))', { request: 'b-two' })).toBe('two')
    expect(accountOf('(\\w+)-(?<account>\\w+)', { request: 'one-two' })).toBe('two')
    expect(accountOf('host~^([a-z]+)\\.', { host: 'acme.example.com' })).toBe('acme')
    expect(accountOf('tenant', { tenant: 't-1' })).toBe('t-1')
    expect(accountOf('account=acme', {})).toBe('acme')
  })

  test('nothing found and nothing usable are told apart', () => {
    expect(accountOf('/t/([^/ ]+)', { request: 'GET / HTTP/1.1' })).toBe('no-match')
    expect(accountOf('/t/([^/ ]+)', {})).toBe('no-match')
    expect(accountOf('/t/([^/ ]*)', { request: 'GET /t/ HTTP/1.1' })).toBe('no-match')
    expect(accountOf('tenant', {})).toBe('no-match')
    expect(accountOf('/t/([^/ ]+)', { request: 'GET /t/%20! HTTP/1.1' })).toBe('not-a-key')
    expect(accountOf('/t/(.+) ', { request: `GET /t/${'a'.repeat(129)} HTTP/1.1` })).toBe('not-a-key')
  })

  test('only the beginning of a long text is looked at', () => {
    expect(accountOf('/t/(a+)', { request: `${'x'.repeat(8_188)}/t/aaaa` })).toBe('a')
    expect(accountOf('/t/(a+)', { request: `${'x'.repeat(8_192)}/t/aaaa` })).toBe('no-match')
  })
})
