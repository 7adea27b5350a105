import { access } from 'node:fs/promises'
import { type Browser, chromium } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'

/** Whether Debian's Chromium is here: else why a test that needs it is left out. */
export const noBrowser: string | false = await access(EXECUTABLE).then(
  () => false,
  () => `${EXECUTABLE} is not installed`
)

/** A headless Chromium that asks nobody for anything by itself. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      '--disable-lcd-text' // grey edges, wherever it runs
    ]
  })
}
