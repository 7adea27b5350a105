// npm run screenshots [-- SCENE...]: pictures of the page as it is, from real nodes, into docs/screenshots.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { openBrowser } from '../operator/browser.ts'
import { compressPng } from './compress-png.ts'
import { devnet } from './devnet-scene.ts'
import { catchingUp, idle, type Scene, stuck, underAttack } from './scenes.ts'
import { terminalPicture } from './terminal-picture.ts'

const SCENES: Readonly<Record<string, () => Promise<Scene>>> = {
  idle,
  'catching-up': catchingUp,
  stuck,
  'under-attack': underAttack,
  devnet
}
const WIDTHS = { full: 1440, narrow: 390 }
const OUT = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url))

/** Of the captures in docs/screens, which were taken in a terminal. */
const TERMINAL = 'terminal'

const wanted = process.argv.slice(2)
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name)
const browser = await openBrowser()
try {
  for (const [name, start] of Object.entries(SCENES)) {
    if (!isWanted(name)) continue
    await using scene = await start()
    await picture(browser, scene.url, name)
  }
  if (isWanted(TERMINAL)) {
    const capture = fileURLToPath(new URL('../../docs/screens/catching-up.txt', import.meta.url))
    await keep(await terminalPicture(browser, 'soma-p2p status --watch', capture), TERMINAL)
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
      await keep(await page.screenshot({ fullPage: true }), `${name}-${size}-${colorScheme}`)
      await page.close()
    })
  )
  await Promise.all(shots)
}

async function keep(png: Buffer, name: string): Promise<void> {
  const path = `${OUT}${name}.png`
  const picture = compressPng(png)
  await writeFile(path, picture)
  console.log(`${path} ${Math.ceil(picture.length / 1024)} KiB`)
}
