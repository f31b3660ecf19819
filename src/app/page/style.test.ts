import { describe, expect, test } from 'vitest'
import { palette, styleSheet } from './style.ts'
import type { Scheme } from './style.ts'

/** Relative luminance and contrast, as WCAG 2.2 defines them. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

const grounds = ['ground', 'paper', 'band'] as const
const texts = ['ink', 'muted', 'accent', 'warn', 'bad'] as const
const shapes = ['strong', 's0', 's1', 's2', 's3', 's4', 's5'] as const

describe.each<Scheme>(['light', 'dark'])('the %s scheme', (scheme) => {
  const colours = palette[scheme]

  test.each(texts)('text in %s has a contrast of 4.5 on every ground', (text) => {
    for (const ground of grounds) expect(contrast(colours[text], colours[ground])).toBeGreaterThanOrEqual(4.5)
  })

  test.each(shapes)('shapes in %s have a contrast of 3 on paper', (shape) => {
    expect(contrast(colours[shape], colours.paper)).toBeGreaterThanOrEqual(3)
  })
})

describe('the style sheet', () => {
  test('uses only colours that are in the palette', () => {
    const used = new Set([...styleSheet.matchAll(/var\(--(\w+)\)/g)].map(([, name = '']) => name))
    expect([...used].filter((name) => !(name in palette.light))).toEqual([])
    const ownColours = styleSheet.replaceAll(/--\w+:#[0-9a-f]{6}/g, '').match(/#[0-9a-f]{3,8}\b/gi)
    expect(ownColours).toBeNull()
  })

  test('asks for nothing from elsewhere and ends no style element early', () => {
    expect(styleSheet).not.toMatch(/url\(|@import|<\//)
  })
})
