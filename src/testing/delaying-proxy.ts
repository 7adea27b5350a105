import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { LinkSchedule, SlowLink } from './slow-link.ts'

/** A TCP address. */
export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** What a proxy is made from. */
export interface DelayingProxyInit {
  /** Where connections are passed on to. It need not listen yet. */
  readonly target: TcpAddress
  /** Where the proxy listens. @default an unused port of 127.0.0.1 */
  readonly listen?: TcpAddress
  /** Megabits (10^6) a second in each direction, shared by all connections. @default Infinity: as fast as the machine */
  readonly megabitsPerSecond?: number
  /** Milliseconds that each byte takes in each direction, at least. @default 0 */
  readonly delayMs?: number
}

/** A running proxy. */
export interface DelayingProxy {
  readonly address: TcpAddress
  /** Connections passed on at present. */
  readonly connections: number
  /** Breaks every connection, as a lost link does: both ends see a reset. New ones are taken as before. */
  cut(): void
  /** Breaks every connection and stops listening. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a TCP proxy that makes a slow link of the loopback: it bounds the rate, adds latency, and reads no faster than it delivers, so
 * that the sender feels it. An end or a reset on one side reaches the other.
 *
 * @throws {RangeError} for a rate that is not above zero, or a delay that is negative or endless
 */
export async function startDelayingProxy(init: DelayingProxyInit): Promise<DelayingProxy> {
  const { target, listen = { host: '127.0.0.1', port: 0 } } = init
  const { megabitsPerSecond = Number.POSITIVE_INFINITY, delayMs = 0 } = init
  if (!(megabitsPerSecond > 0)) throw new RangeError(`not a rate above zero: ${megabitsPerSecond}`)
  if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY)) throw new RangeError(`not a delay: ${delayMs}`)
  const toTarget = new LinkSchedule(megabitsPerSecond * 1e6, delayMs)
  const fromTarget = new LinkSchedule(megabitsPerSecond * 1e6, delayMs)
  const connections = new Set<() => void>()

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = dial({ ...target, allowHalfOpen: true })
    const there = new SlowLink(toTarget)
    const back = new SlowLink(fromTarget)
    const reset = () => {
      connections.delete(reset)
      for (const socket of [client, upstream]) if (!socket.destroyed) socket.resetAndDestroy()
      for (const link of [there, back]) link.destroy()
    }
    connections.add(reset)
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', reset)
      socket.on('close', () => {
        if (!endedWhole(socket)) reset()
        else if (client.destroyed && upstream.destroyed) connections.delete(reset)
      })
    }
    client.pipe(there).pipe(upstream)
    upstream.pipe(back).pipe(client)
  })
  server.listen(listen)
  await once(server, 'listening')
  const address = { host: listen.host, port: listeningPort(server) }
  const cut = () => {
    for (const reset of [...connections]) reset()
  }
  return {
    address,
    get connections() {
      return connections.size
    },
    cut,
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    }
  }
}

/** Whether both directions came to their end, so that nothing that was sent is lost. */
function endedWhole(socket: Socket): boolean {
  return socket.readableEnded && socket.writableFinished
}

function listeningPort(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
  return address.port
}
