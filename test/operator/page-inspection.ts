import type { Page } from 'playwright-core'

/** Text, and how much it stands out against what is behind it: 1 for not at all, 21 for black on white. */
export interface Contrast {
  readonly text: string
  readonly ratio: number
}

/** The contrast of every text that is seen, by WCAG's rule. */
export function contrastOf(page: Page): Promise<Contrast[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    if (canvas === null) throw new Error('no canvas')
    /** Whatever way the colour is written in: over the one behind it. */
    const over = (colour: string, behind: readonly number[]): number[] => {
      canvas.fillStyle = `rgb(${behind.join(' ')})`
      canvas.fillRect(0, 0, 1, 1)
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    }
    const behindOf = (element: Element): number[] => {
      const { parentElement } = element
      const behind = parentElement === null ? [255, 255, 255] : behindOf(parentElement)
      return over(getComputedStyle(element).backgroundColor, behind)
    }
    const luminance = (colour: readonly number[]): number => {
      const [red = 0, green = 0, blue = 0] = colour.map((part) => {
        const value = part / 255
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const found: { text: string; ratio: number }[] = []
    while (texts.nextNode() !== null) {
      const element = texts.currentNode.parentElement
      const text = texts.currentNode.textContent?.trim() ?? ''
      if (element === null || text === '' || !element.checkVisibility()) continue
      const behind = behindOf(element)
      const { color, fill } = getComputedStyle(element)
      const [light = 0, dark = 0] = [
        luminance(behind),
        luminance(over(element.closest('svg') ? fill : color, behind))
      ].sort((a, b) => b - a)
      found.push({ text, ratio: (light + 0.05) / (dark + 0.05) })
    }
    return found
  })
}

/** What can be used, or is a picture, and has no name for who does not see it. */
export function namelessOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('a, button, progress, [role="img"], svg')]
      .filter((element) => element.checkVisibility())
      .filter((element) => {
        const labelled = element.getAttribute('aria-labelledby')
        const named = labelled === null ? '' : (document.getElementById(labelled)?.textContent ?? '')
        return `${element.getAttribute('aria-label') ?? ''}${named}${element.textContent ?? ''}`.trim() === ''
      })
      .map((element) => element.outerHTML)
  )
}
