import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type DelayingProxyInit, startDelayingProxy } from '../../src/testing/delaying-proxy.ts'
import { LinkSchedule, SlowLink } from '../../src/testing/slow-link.ts'

/** A proxy before a server that does `serve` with each connection, and a way to dial through it. All are gone after the test. */
async function proxied(t: TestContext, link: Omit<DelayingProxyInit, 'target'>, serve: (socket: Socket) => void) {
  const sockets: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  const proxy = await startDelayingProxy({ ...link, target: { host: '127.0.0.1', port: address.port } })
  const through = async () => {
    const socket = connect({ ...proxy.address, allowHalfOpen: true })
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await proxy.stop()
    server.close()
  })
  return { proxy, through, server }
}

const echo = (socket: Socket) => {
  socket.on('error', () => undefined) // a reset is what some tests want
  socket.pipe(socket)
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

for (const [name, link] of [
  ['an unbounded link', {}],
  ['a link of bounded rate', { megabitsPerSecond: 200 }],
  ['a link with a delay', { delayMs: 5 }],
  ['a link with both', { megabitsPerSecond: 200, delayMs: 5 }]
] as const) {
  test(`${name} passes on every byte in order both ways, and the half-close behind them`, async (t) => {
    const { through } = await proxied(t, link, echo)
    await Promise.all(
      [1_000_000, 70_000, 1].map(async (length) => {
        const sent = randomBytes(length)
        const socket = await through()
        socket.end(sent)
        assert(sent.equals(await readAll(socket)))
      })
    )
  })
}

test('the rate is kept over all connections together', async (t) => {
  const { through } = await proxied(t, { megabitsPerSecond: 40 }, (socket) => socket.end(Buffer.alloc(500_000)))
  const started = performance.now()
  await Promise.all([1, 2].map(async () => readAll(await through())))
  const seconds = (performance.now() - started) / 1000
  assert(seconds >= 0.195, `a megabyte over 40 Mbit/s took ${seconds} s, not 0.2`)
})

test('the delay is paid in each direction', async (t) => {
  const { through } = await proxied(t, { delayMs: 40 }, echo)
  const socket = await through()
  const started = performance.now()
  socket.write('x')
  await once(socket, 'data')
  assert(performance.now() - started >= 79)
})

test('a sender over a slow link is held back rather than buffered', async () => {
  const link = new SlowLink(new LinkSchedule(1e6, 0))
  let taken = 0
  const chunk = Buffer.alloc(64 * 1024)
  for (let written = 0; written < 100; written++) link.write(chunk, () => (taken += 1))
  await once(link, 'readable') // something has crossed by now
  assert(taken <= 1, `${taken} chunks of 64 kB taken at 1 Mbit/s`)
  link.destroy()
})

test('a receiver that does not read holds the sender back', async () => {
  const link = new SlowLink(new LinkSchedule(Number.POSITIVE_INFINITY, 0))
  let taken = 0
  const chunk = Buffer.alloc(64 * 1024)
  for (let written = 0; written < 100; written++) link.write(chunk, () => (taken += 1))
  await new Promise(setImmediate)
  assert(taken <= 1, `${taken} chunks of 64 kB taken`)
  link.resume()
  link.end()
  await once(link, 'end')
  assert.equal(taken, 100)
})

test('a cut resets both ends, and the next connection passes', async (t) => {
  const accepted = Promise.withResolvers<Socket>()
  const { proxy, through } = await proxied(t, {}, (socket) => {
    echo(socket)
    accepted.resolve(socket)
  })
  const socket = await through()
  socket.write('x')
  await once(socket, 'data')
  assert.equal(proxy.connections, 1)
  const atTarget = await accepted.promise
  const resets = Promise.all([once(socket, 'error'), once(atTarget, 'error')])
  proxy.cut()
  for (const [error] of await resets) assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  assert.equal(proxy.connections, 0)
  const next = await through()
  next.end('y')
  assert.equal(String(await readAll(next)), 'y')
})

test('a reset on one side reaches the other', async (t) => {
  const { through } = await proxied(t, {}, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const socket = await through()
  const reset = once(socket, 'error')
  socket.write('x')
  const [error] = await reset
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
})

test('a target that does not listen resets the connection', async (t) => {
  const { through, server } = await proxied(t, {}, echo)
  server.close()
  await once(server, 'close')
  const socket = await through()
  await once(socket, 'error')
})

test('a stopped proxy breaks what it carried and listens no more', async (t) => {
  const { through, proxy } = await proxied(t, { megabitsPerSecond: 1, delayMs: 1000 }, echo)
  const socket = await through()
  socket.write(Buffer.alloc(100_000))
  const broken = once(socket, 'error')
  await proxy.stop()
  await proxy.stop()
  await broken
  await assert.rejects(once(connect(proxy.address), 'connect'), { code: 'ECONNREFUSED' })
})

test('links that cannot be are refused', async () => {
  const target = { host: '127.0.0.1', port: 1 }
  for (const link of [
    { megabitsPerSecond: 0 },
    { megabitsPerSecond: Number.NaN },
    { delayMs: -1 },
    { delayMs: Number.POSITIVE_INFINITY }
  ])
    await assert.rejects(startDelayingProxy({ target, ...link }), RangeError)
})

/** A byte to an echo and back. */
async function roundTrip(socket: Socket): Promise<void> {
  socket.write('x')
  await once(socket, 'data')
}

test('a rate that changes holds for connections that there are', async (t) => {
  const { proxy, through } = await proxied(t, {}, echo)
  const socket = await through()
  await roundTrip(socket)
  proxy.change({ megabitsPerSecond: 8 })
  const started = performance.now()
  socket.end(Buffer.alloc(200_000))
  assert.equal((await readAll(socket)).byteLength, 200_000)
  const seconds = (performance.now() - started) / 1000
  assert(seconds >= 0.195, `200 kB over 8 Mbit/s took ${seconds} s, not 0.2`)
})

test('a link that is torn delivers so much more, and then a reset', async (t) => {
  const { proxy, through } = await proxied(t, {}, echo)
  const socket = await through()
  await roundTrip(socket)
  proxy.tear(100)
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  const broken = once(socket, 'error')
  socket.write(Buffer.alloc(5_000))
  const [error] = await broken
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  assert(Buffer.concat(received).byteLength <= 100)
  const next = await through()
  next.end('y')
  assert.equal(String(await readAll(next)), 'y')
})

test('what is torn at the target has arrived there up to the tear', async (t) => {
  const arrived = Promise.withResolvers<number>()
  const { proxy, through } = await proxied(t, {}, (socket) => {
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.byteLength))
    socket.on('error', () => arrived.resolve(bytes))
  })
  const socket = await through()
  socket.on('error', () => undefined)
  proxy.tear(100)
  socket.write(Buffer.alloc(5_000))
  assert.equal(await arrived.promise, 100)
})

test('a black hole takes everything and delivers it once it is open again', async (t) => {
  const { proxy, through, server } = await proxied(t, {}, echo)
  const before = await through()
  await roundTrip(before)
  proxy.change({ passage: 'blackhole' })
  const during = await through()
  for (const socket of [before, during]) socket.end('held')
  const received: string[] = []
  for (const socket of [before, during]) socket.on('data', (chunk) => received.push(String(chunk)))
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.deepEqual(received, [])
  assert.equal(await countConnections(server), 1, 'a new connection has arrived')
  const ends = [before, during].map((socket) => once(socket, 'end'))
  proxy.change({})
  await Promise.all(ends)
  assert.deepEqual(received, ['held', 'held'])
})

test('a reset does not come through a black hole before it is open again', async (t) => {
  const accepted = Promise.withResolvers<Socket>()
  const { proxy, through } = await proxied(t, {}, (socket) => {
    echo(socket)
    accepted.resolve(socket)
  })
  const socket = await through()
  await roundTrip(socket)
  const atTarget = await accepted.promise
  proxy.change({ passage: 'blackhole' })
  socket.resetAndDestroy()
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.equal(atTarget.destroyed, false)
  const reset = once(atTarget, 'error')
  proxy.change({})
  await reset
  assert.equal(proxy.connections, 0)
})

test('a link is closed for those who come from one address, and for no others', async (t) => {
  const { proxy, through } = await proxied(t, {}, echo)
  const other = () => {
    const socket = connect({ ...proxy.address, localAddress: '127.0.0.2' })
    t.after(() => socket.destroy())
    return socket
  }
  const [here, there] = [await through(), other()]
  await Promise.all([here, there].map(roundTrip))
  const broken = once(there, 'error')
  proxy.change({ passage: (from) => (from === '127.0.0.2' ? 'closed' : 'open') })
  await broken
  await roundTrip(here)
  await once(other(), 'error')
})

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  )
}
