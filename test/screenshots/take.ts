// npm run screenshots [-- SCENE...]: pictures of the page as it is, from real nodes, into docs/screenshots.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { openBrowser } from '../operator/browser.ts'
import { compressPng } from './compress-png.ts'
import { devnet } from './devnet-scene.ts'
import { catchingUp, idle, type Scene, stuck, underAttack } from './scenes.ts'

const SCENES: Readonly<Record<string, () => Promise<Scene>>> = {
  idle,
  'catching-up': catchingUp,
  stuck,
  'under-attack': underAttack,
  devnet
}
const WIDTHS = { full: 1440, narrow: 390 }
const OUT = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url))

const wanted = process.argv.slice(2)
const browser = await openBrowser()
try {
  for (const [name, start] of Object.entries(SCENES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    await using scene = await start()
    await picture(browser, scene.url, name)
  }
} finally {
  await browser.close()
}

/** All four at once, so that they are of the same moment. */
async function picture(browser: Browser, url: string, name: string): Promise<void> {
  const shots = Object.entries(WIDTHS).flatMap(([size, width]) =>
    (['light', 'dark'] as const).map(async (colorScheme) => {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
      page.once('pageerror', (error) => console.error(error.stack))
      await page.goto(url)
      await page.waitForFunction(() => document.getElementById('updated')?.textContent !== '')
      await page.waitForTimeout(3_500) // rates are of several moments
      const path = `${OUT}${name}-${size}-${colorScheme}.png`
      const picture = compressPng(await page.screenshot({ fullPage: true }))
      await writeFile(path, picture)
      await page.close()
      console.log(`${path} ${Math.ceil(picture.length / 1024)} KiB`)
    })
  )
  await Promise.all(shots)
}
