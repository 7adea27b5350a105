import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type HttpServer, type StatusReport, startNetworkServer, startStatusServer } from '../../src/operator/index.ts'
import { noBrowser, openBrowser } from './browser.ts'
import { reportAt, somePeer } from './node-stub.ts'
import { contrastOf, namelessOf } from './page-inspection.ts'

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202egnihton'

describe('the status page in a browser', { skip: noBrowser, timeout: 120_000 }, () => {
  let browser: Browser
  let server: HttpServer
  let report: () => Promise<StatusReport>
  /** What the pages of a test complained of, or asked others for. */
  let faults: string[] = []

  before(async () => {
    browser = await openBrowser()
    report = async () => reportAt(12)
    server = await startStatusServer({ node: { status: () => report() } })
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  afterEach(() => {
    const found = faults
    faults = []
    assert.deepEqual(found, [])
  })

  /** Opens the page, which must ask nobody else, and have nothing to complain of. */
  async function open(options: Parameters<Browser['newPage']>[0] = {}, url = server.url): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) faults.push(`asks ${request.url()}`)
    })
    await page.goto(url)
    return page
  }

  const text = (page: Page, id: string): Promise<string | null> => page.textContent(`#${id}`)
  const until = (page: Page, id: string, wanted: string): Promise<unknown> =>
    page.waitForFunction(([at, what]) => document.getElementById(at ?? '')?.textContent === what, [id, wanted])

  it('says first whether the node is well, and its numbers live', async () => {
    report = async () => reportAt(1_234, { peers: [somePeer] })
    const page = await open()
    await until(page, 'height', '1,234')
    assert.equal(await text(page, 'condition'), 'Healthy')
    assert.equal(await text(page, 'summary'), 'Up to date at commit 1,234.')
    assert.equal(await page.title(), 'Healthy · 12D3KooW')
    report = async () => reportAt(1_300, { highestKnown: 5_000, peers: [somePeer] })
    await until(page, 'height', '1,300')
    assert.equal(await text(page, 'condition'), 'Catching up')
    assert.equal(await text(page, 'behind'), '3,700')
    assert.equal(await text(page, 'progress-text'), '1,300 of 5,000 commits')
    await page.locator('#heights[aria-label="known 5,000, executed –, synced 1,300"]').waitFor()
    await page.close()
  })

  it('says why a node is stuck, since when, and who was asked', async () => {
    const sinceMs = Date.now() - 61_000
    const asked = [{ peerId: somePeer.peerId, atMs: sinceMs, answer: 'has commits 400 to 600' }]
    const explanation = 'the peers have pruned what lies before commit 400.'
    const waiting = { cause: 'pruned-everywhere', commit: 151, sinceMs, explanation, asked } as const
    const sync = { ranges: [], stages: [], waiting }
    report = async () => reportAt(150, { highestKnown: 600, peers: [somePeer], sync })
    const page = await open()
    await until(page, 'condition', 'Stuck')
    assert.match(
      (await text(page, 'summary')) ?? '',
      /^Stuck at commit 150 for 6\d s: the peers have pruned what lies before commit 400\.$/
    )
    assert.match((await text(page, 'asked')) ?? '', /12D3Ko…\w{6}has commits 400 to 600$/)
    assert.equal(await page.getAttribute('#verdict', 'data-condition'), 'stuck')
    await page.close()
  })

  it('shows what a peer wrote as text, in one line, and does nothing that it says', async () => {
    const peer = { ...somePeer, peerId: `12D3KooW${HOSTILE}`, address: HOSTILE }
    const events = [{ atMs: 1, level: 'warn', kind: 'banned', text: HOSTILE, peerId: HOSTILE }] as const
    const health = { [HOSTILE]: { state: 'degraded', reason: HOSTILE } } as const
    const range = { start: 1, end: 9, state: 'asked', peer: HOSTILE, attempts: 1 } as const
    report = async () =>
      reportAt(7, { peers: [peer], events, health, sync: { ranges: [range], stages: [], waiting: undefined } })
    const page = await open()
    await until(page, 'condition', 'Needs attention')
    assert.equal(await page.locator('#events img, #peers img, #parts img, body script').count(), 0)
    assert.match((await text(page, 'events')) ?? '', /<img src=x onerror="document.title=1">.*\ufffdgnihton$/)
    assert.match(await page.title(), /^Needs attention/)
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0)
    await page.close()
  })

  it('says plainly when the node does not answer any more, and when it does again', async () => {
    const own = await startStatusServer({ node: { status: async () => reportAt(3, { peers: [somePeer] }) } })
    const page = await browser.newPage()
    await page.goto(own.url)
    await until(page, 'condition', 'Healthy')
    await own.stop()
    await until(page, 'condition', 'No answer')
    assert.match(
      (await text(page, 'summary')) ?? '',
      /^The node has not answered since \d\d:\d\d:\d\d: nothing answers at this address\. What is shown below is from then\.$/
    )
    assert.equal(await text(page, 'height'), '3')
    const again = await startStatusServer({
      node: { status: async () => reportAt(4, { peers: [somePeer] }) },
      listen: new URL(own.url).host
    })
    try {
      await until(page, 'condition', 'Healthy')
      await until(page, 'height', '4')
    } finally {
      await again.stop()
      await page.close()
    }
  })

  it('is light or dark as the system is, and as it was chosen here ever after', async () => {
    const background = (page: Page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    const context = await browser.newContext({ colorScheme: 'light' })
    const page = await context.newPage()
    await page.goto(server.url)
    const light = await background(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await background(page)
    assert.notEqual(dark, light)
    await page.getByRole('button', { name: 'Dark', pressed: true }).click()
    assert.equal(await background(page), light)
    await page.reload()
    assert.equal(await background(page), light, 'the choice is forgotten')
    await context.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be read: its text stands out, whatever the node is like, ${colorScheme}`, async () => {
      const page = await open({ colorScheme })
      for (const state of ['ok', 'degraded', 'failed'] as const) {
        const reason = state === 'ok' ? {} : { reason: 'no room' }
        report = async () =>
          reportAt(9, {
            highestKnown: state === 'ok' ? 900 : 9,
            peers: [somePeer],
            health: { storage: { state, ...reason } }
          })
        await until(page, 'condition', { ok: 'Catching up', degraded: 'Needs attention', failed: 'Failed' }[state])
        const weak = (await contrastOf(page)).filter(({ ratio }) => ratio < 4.5)
        assert.deepEqual(weak, [])
      }
      await page.close()
    })
  }

  it('fits a telephone, and everything that can be used has a name', async () => {
    const peers = Array.from({ length: 30 }, (_, at) => ({ ...somePeer, peerId: `${somePeer.peerId}${at}` }))
    const ranges = Array.from(
      { length: 8 },
      (_, at) =>
        ({ start: at * 100 + 10, end: at * 100 + 109, state: 'verifying', peer: somePeer.peerId, attempts: 1 }) as const
    )
    report = async () => reportAt(9, { highestKnown: 9_000, peers, sync: { ranges, stages: [], waiting: undefined } })
    const page = await open({ viewport: { width: 390, height: 800 } })
    await until(page, 'behind', '8,991')
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
    assert.deepEqual(await namelessOf(page), [])
    const heights = new Set<number>()
    const before = (await text(page, 'updated')) ?? ''
    heights.add(await page.evaluate(() => document.documentElement.scrollHeight))
    report = async () => reportAt(9, { highestKnown: 9_000, peers })
    await page.waitForFunction((was) => document.getElementById('updated')?.textContent !== was, before)
    heights.add(await page.evaluate(() => document.documentElement.scrollHeight))
    assert.equal(heights.size, 1, `the page jumps: ${[...heights].join(', ')} pixels high`)
    await page.close()
  })

  it('shows a network: who is connected to whom, and a row with a link for each node', async () => {
    const peer = (peerId: string) => ({ ...somePeer, peerId })
    const first = await startStatusServer({
      node: { status: async () => reportAt(20, { peerId: 'one', peers: [peer('two')] }) }
    })
    const second = await startStatusServer({
      node: { status: async () => reportAt(18, { peerId: 'two', peers: [peer('one')] }) }
    })
    const nodes = [
      { name: 'validator-0', url: first.url },
      { name: HOSTILE, url: second.url },
      { name: 'full-node-0', url: undefined }
    ]
    const network = await startNetworkServer({ nodes: () => nodes })
    try {
      const page = await open({}, network.url)
      await until(page, 'condition', '2 of 3 nodes are well')
      assert.equal(await text(page, 'spread'), '2')
      assert.equal(await page.locator('#edges line').count(), 1)
      assert.equal(
        await page.getByRole('row', { name: 'validator-0' }).getByRole('link').getAttribute('href'),
        first.url
      )
      const dot = page.getByRole('link', { name: /^validator-0, healthy, at commit 20, 1 connection: </ })
      await dot.focus()
      assert.equal(await page.locator('#edges line.near').count(), 1)
      assert.equal(await page.locator('#dots a.near').count(), 2)
      assert.deepEqual(await namelessOf(page), [])
      assert.deepEqual(
        (await contrastOf(page)).filter(({ ratio }) => ratio < 4.5),
        []
      )
      await page.setViewportSize({ width: 390, height: 800 })
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
      await second.stop()
      await page.waitForFunction(() => document.getElementById('summary')?.textContent?.startsWith('1 silent'))
      await page.close()
    } finally {
      await Promise.all([network.stop(), first.stop(), second.stop()])
    }
  })
})
