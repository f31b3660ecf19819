import { defineAddOn } from '../book/define-plan.ts'
import { changes } from './plans.ts'

const common = { version: 1, currency: 'USD', effective_from: changes.baseFee } as const

/** The table of add-ons that came with the base fee. An account has so many of each as its subscription says. */
export const addOns = [
  defineAddOn({
    ...common,
    key: 'sso-rbac',
    name: 'Single sign-on and roles, per user',
    prices: [{ key: 'sso_rbac', name: 'Single sign-on and roles', model: { kind: 'flat', amount: '10' } }],
  }),
  defineAddOn({
    ...common,
    key: 'identity-governance',
    name: 'Identity governance, per user',
    prices: [{ key: 'identity_governance', name: 'Identity governance', model: { kind: 'flat', amount: '15' } }],
  }),
  defineAddOn({
    ...common,
    key: 'dedicated-addresses',
    name: 'Dedicated agent addresses, per region',
    prices: [{ key: 'dedicated_addresses', name: 'Dedicated agent addresses', model: { kind: 'flat', amount: '900' } }],
  }),
  defineAddOn({
    ...common,
    key: 'agent-urls',
    name: 'Custom agent addresses, each',
    prices: [{ key: 'agent_urls', name: 'Custom agent addresses', model: { kind: 'flat', amount: '250' } }],
  }),
  defineAddOn({
    ...common,
    key: 'support-channel',
    name: 'Support in a shared channel',
    prices: [{ key: 'support_channel', name: 'Support in a shared channel', model: { kind: 'flat', amount: '200' } }],
  }),
  defineAddOn({
    ...common,
    key: 'hipaa',
    name: 'Health data compliance',
    // "+50 % of plan": of every other line of the invoice, add-ons among them, before credits. That is our reading.
    prices: [{ key: 'hipaa', name: 'Health data compliance', model: { kind: 'surcharge', percent: '50', of: 'all' } }],
  }),
]
