import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  type HttpServer,
  type StatusReport,
  type StatusServerInit,
  startStatusServer
} from '../../src/operator/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { reportAt, somePeer } from './node-stub.ts'

async function start(
  t: TestContext,
  init: Partial<StatusServerInit> & { report: () => Promise<StatusReport> }
): Promise<HttpServer> {
  const server = await startStatusServer({ node: { status: init.report }, ...init })
  t.after(() => server.stop())
  return server
}

/** `fetch` sets Host by itself. */
async function ask(
  url: string,
  options: RequestOptions
): Promise<{ status: number; body: string; headers: IncomingMessage['headers'] }> {
  const request = httpRequest(url, options).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  for await (const part of response) body += part
  return { status: response.statusCode ?? 0, body, headers: response.headers }
}

const well = () => Promise.resolve(reportAt(12, { peers: [somePeer] }))

test('a page, a status, a history and a health are there, and nothing else', async (t) => {
  const { url } = await start(t, { report: well })
  const page = await fetch(url)
  assert.equal(page.status, 200)
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.match(
    page.headers.get('content-security-policy') ?? '',
    /default-src 'none'; script-src 'self'; style-src 'self'/
  )
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  for (const name of ['node.js', 'uplot.js']) {
    const script = await fetch(url + name)
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8', name)
    await script.bytes()
  }
  const status = await (await fetch(`${url}status`)).json()
  assert.equal(status.highestSynced.index, 12)
  assert.equal(status.verdict.condition, 'healthy')
  const health = await fetch(`${url}healthz`)
  assert.equal(health.status, 200)
  assert.equal(health.headers.get('cache-control'), 'no-store')
  assert.equal((await health.json()).summary, 'up to date at commit 12')
  for (const name of ['metrics', 'node.html', '..%2findex.ts', 'status/', 'constructor']) {
    assert.equal((await fetch(url + name)).status, 404, name)
  }
})

test('metrics are there where they are given', async (t) => {
  const metrics = { text: () => Promise.resolve('up 1\n'), contentType: 'text/plain; version=0.0.4' }
  const { url } = await start(t, { report: well, metrics })
  const answer = await fetch(`${url}metrics`)
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4')
  assert.equal(await answer.text(), 'up 1\n')
})

test('a connection serves one request after the other, and ends where a next one does not wait for its answer', async (t) => {
  let asked = 0
  const metrics = { text: () => Promise.resolve(`${++asked}\n`), contentType: 'text/plain' }
  const { url } = await start(t, { report: well, metrics, clock: new ManualClock() })
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const sockets = new Set<unknown>()
  for (const name of ['status', 'uplot.js', 'metrics', 'healthz', 'nowhere', '']) {
    const request = httpRequest(url + name, { agent }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    sockets.add(response.socket)
    const ended = once(response, 'end')
    response.resume()
    await ended
  }
  assert.equal(sockets.size, 1)
  const flood = connect(Number(port), hostname)
  flood.on('error', () => undefined)
  let received = ''
  flood.on('data', (part) => {
    received += part
  })
  flood.write('GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000))
  await once(flood, 'close')
  assert.ok(received.split('HTTP/1.1 200').length <= 2)
})

test('GET and HEAD only, and without a body', async (t) => {
  const { url } = await start(t, { report: well })
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const { status, headers } = await ask(`${url}status`, { method })
    assert.equal(status, 405, method)
    assert.equal(headers.allow, 'GET, HEAD')
  }
  const head = await ask(`${url}status`, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.ok(Number(head.headers['content-length']) > 100)
  assert.equal(head.body, '')
  assert.equal((await ask(`${url}status`, { headers: { 'content-length': 0 } })).status, 200)
  const request = httpRequest(`${url}status`, { headers: { 'content-length': 9 } })
  request.end('something')
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 400)
  response.destroy()
})

test('a file that is known is not sent again', async (t) => {
  const { url } = await start(t, { report: well })
  const first = await ask(url, {})
  const again = await ask(url, { headers: { 'if-none-match': first.headers.etag } })
  assert.equal(again.status, 304)
  assert.equal(again.body, '')
  assert.equal((await ask(url, { headers: { 'if-none-match': '"another"' } })).status, 200)
})

test('a name that is not of the loopback gets nothing on the loopback', async (t) => {
  const { url } = await start(t, { report: well })
  const port = new URL(url).port
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', '192.0.2.7', ':80']) {
    const { status, body } = await ask(`${url}status`, { headers: { host } })
    assert.equal(status, 421, host)
    assert.doesNotMatch(body, /peerId/)
  }
  for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, '127.1.2.3', '[::1]', `[::1]:${port}`]) {
    assert.equal((await ask(`${url}status`, { headers: { host } })).status, 200, host)
  }
})

test('elsewhere it answers to any name', async (t) => {
  const { url } = await start(t, { report: well, listen: '0.0.0.0:0' })
  assert.equal((await ask(`${url}status`, { headers: { host: 'validator.example' } })).status, 200)
})

test('an address that is none, or taken, is refused with a code', async (t) => {
  for (const listen of [
    '',
    '9100',
    'example.org:80',
    '127.0.0.1',
    '127.0.0.1:70000',
    '127.0.0.1:-1',
    '::1:80',
    '[127.0.0.1]:80',
    '1.2.3:4'
  ]) {
    await assert.rejects(startStatusServer({ node: { status: well }, listen }), { code: 'HTTP_LISTEN_INVALID' }, listen)
  }
  const { url } = await start(t, { report: well })
  const listen = new URL(url).host
  await assert.rejects(startStatusServer({ node: { status: well }, listen }), { code: 'HTTP_LISTEN_FAILED' })
})

test('health is 503 with the reason when a part has failed, and when the node does not answer', async (t) => {
  let report = () =>
    Promise.resolve(
      reportAt(12, {
        health: { chain: { state: 'ok' }, 'state-sync': { state: 'failed', reason: 'halted, SYNC_FORK' } }
      })
    )
  const clock = new ManualClock()
  const { url } = await start(t, { report: () => report(), clock })
  const failed = await fetch(`${url}healthz`)
  assert.equal(failed.status, 503)
  assert.equal((await failed.json()).summary, 'state-sync has failed: halted, SYNC_FORK')

  report = () => Promise.reject(new Error('the store is closed'))
  clock.advance(1_000)
  const gone = await fetch(`${url}healthz`)
  assert.equal(gone.status, 503)
  assert.equal((await gone.json()).summary, 'the node does not answer: the store is closed')
  assert.equal((await fetch(`${url}status`)).status, 503)
})

test('a node that is behind is healthy as long as it comes on, and stuck when it does not', async (t) => {
  let index = 100
  const clock = new ManualClock()
  const waiting = {
    cause: 'no-peer-has-it',
    commit: 301,
    sinceMs: clock.now() + 18_000,
    explanation: 'nobody has commit 301.',
    asked: []
  } as const
  const report = () =>
    Promise.resolve(
      reportAt(index, {
        highestKnown: 1_000,
        peers: [somePeer],
        sync: { ranges: [], stages: [], waiting: index === 300 ? waiting : undefined }
      })
    )
  const { url } = await start(t, { report, clock })
  const health = async () => {
    const answer = await fetch(`${url}healthz`)
    return { status: answer.status, ...(await answer.json()) }
  }
  for (; index < 300; index += 100) {
    const { status, condition, summary } = await health()
    assert.deepEqual(
      [status, condition, summary],
      [200, 'syncing', `${1_000 - index} commits behind the others, and coming on`]
    )
    clock.advance(9_000)
  }
  assert.equal((await health()).condition, 'syncing')
  clock.advance(9_000)
  assert.equal((await health()).condition, 'syncing')
  clock.advance(1_000)
  const { status, condition, summary } = await health()
  assert.deepEqual([status, condition], [503, 'stuck'])
  assert.equal(summary, 'stuck at commit 300 for 10 s: nobody has commit 301.')
  index = 301
  clock.advance(1_000)
  assert.equal((await health()).status, 200)
})

test('the history has a moment each second, the last quarter of an hour of them, and tells what is new', async (t) => {
  const clock = new ManualClock()
  let index = 0
  let looked = Promise.withResolvers<void>()
  const report = () => {
    index += 1
    looked.resolve()
    return Promise.resolve(reportAt(index, { cursors: { executor: index - 1, other: index } }))
  }
  const { url } = await start(t, { report, clock })
  const history = async (from: number) => (await fetch(`${url}history?from=${from}`)).json()
  for (let second = 0; second < 910; second++) {
    await looked.promise
    looked = Promise.withResolvers()
    await new Promise(setImmediate)
    clock.advance(1_000)
  }
  await looked.promise
  await new Promise(setImmediate)
  const all = await history(0)
  assert.equal(all.atMs.length, 900)
  assert.equal(all.from, index - 900)
  assert.deepEqual(all.columns.highestSynced.slice(-2), [index - 1, index])
  assert.deepEqual(all.columns.highestExecuted.slice(-2), [index - 2, index - 1])
  assert.deepEqual((await history(index - 1)).columns.highestSynced, [index])
  assert.deepEqual((await history(index)).atMs, [])
  assert.equal((await history(index + 5)).atMs.length, 900, 'of another start')
  assert.equal((await history(Number.NaN)).atMs.length, 900)
})

test('however many ask, the node is asked once', async (t) => {
  let asked = 0
  const report = () => {
    asked += 1
    return well()
  }
  const { url } = await start(t, { report, clock: new ManualClock() })
  await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}status`)))
  assert.equal(asked, 1)
})

test('however often metrics are asked for, they are made four times a second at most, and one at a time', async (t) => {
  let made = 0
  const begun = Promise.withResolvers<void>()
  let done = Promise.withResolvers<void>()
  const text = async () => {
    made += 1
    begun.resolve()
    const text = `made ${made}\n`
    await done.promise
    return text
  }
  const clock = new ManualClock()
  const { url } = await start(t, { report: well, clock, metrics: { text, contentType: 'text/plain' } })
  const scrape = async () => await (await fetch(`${url}metrics`)).text()
  const first = scrape()
  await begun.promise
  clock.advance(4_000)
  const second = scrape()
  await fetch(`${url}healthz`) // whose connection came after
  done.resolve()
  assert.deepEqual(await Promise.all([first, second]), ['made 1\n', 'made 1\n'])
  done = Promise.withResolvers()
  done.resolve()
  assert.equal(await scrape(), 'made 2\n')
  clock.advance(249)
  assert.equal(await scrape(), 'made 2\n')
  clock.advance(1)
  assert.equal(await scrape(), 'made 3\n')
})

test('stop ends open connections, and nothing listens any more', async () => {
  const server = await startStatusServer({ node: { status: well } })
  const { hostname, port } = new URL(server.url)
  const idle = connect(Number(port), hostname)
  await once(idle, 'connect')
  idle.on('error', () => undefined)
  const ended = once(idle, 'close')
  await Promise.all([server.stop(), server.stop()])
  await ended
  await assert.rejects(fetch(`${server.url}status`))
})
