import { readFile } from 'node:fs/promises'
import type { Browser } from 'playwright-core'

const STYLE = `
  body { margin: 0; display: inline-block; background: #16181d; }
  header { padding: 10px 16px; font: 600 13px system-ui, sans-serif; color: #9aa3b2; border-bottom: 1px solid #2a2e37; }
  pre { margin: 0; padding: 14px 16px 18px; font: 14px/1.45 'DejaVu Sans Mono', monospace; color: #e3e6ec; }`

/** A picture of what a command printed on a terminal, from the capture of it. */
export async function terminalPicture(browser: Browser, command: string, capture: string): Promise<Buffer> {
  const page = await browser.newPage({ deviceScaleFactor: 1.5, viewport: { width: 1200, height: 600 } })
  try {
    await page.setContent(`<style>${STYLE}</style><header></header><pre></pre>`)
    const text = await readFile(capture, 'utf8')
    await page.locator('header').evaluate((element, said) => {
      element.textContent = said
    }, `$ ${command}`)
    await page.locator('pre').evaluate((element, said) => {
      element.textContent = said
    }, text.trimEnd())
    return await page.locator('body').screenshot()
  } finally {
    await page.close()
  }
}
