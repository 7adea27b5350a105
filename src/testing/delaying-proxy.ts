import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { type Passage, ProxiedConnection } from './proxied-connection.ts'
import { LinkSchedule } from './slow-link.ts'
import type { TcpAddress } from './tcp-address.ts'

export type { TcpAddress }

/** How a link is. */
export interface LinkCondition {
  /** Megabits (10^6) a second in each direction, shared by all connections. @default Infinity: as fast as the machine */
  readonly megabitsPerSecond?: number
  /** Milliseconds that each byte takes in each direction, at least. @default 0 */
  readonly delayMs?: number
  /**
   * What becomes of what is sent: it arrives (`open`); it is taken and nothing arrives, new connections included, until the link is open again (`blackhole`);
   * or connections are reset (`closed`). For all, or by the IP address that a connection comes from, so that links of some can be cut and not of others.
   * @default 'open'
   */
  readonly passage?: Passage | ((from: string) => Passage)
}

/** What a proxy is made from. */
export interface DelayingProxyInit extends LinkCondition {
  /** Where connections are passed on to. It need not listen yet. */
  readonly target: TcpAddress
  /** Where the proxy listens. @default an unused port of 127.0.0.1 */
  readonly listen?: TcpAddress
}

/** A running proxy. */
export interface DelayingProxy {
  readonly address: TcpAddress
  /** Connections passed on, or held, at present. */
  readonly connections: number
  /**
   * Makes another link of it, for the connections that there are as well: what the condition does not name has its default.
   *
   * @throws {RangeError} as {@link startDelayingProxy}, and then nothing has changed
   */
  change(condition: LinkCondition): void
  /** Breaks every connection, as a lost link does: both ends see a reset. New ones are taken as before. */
  cut(): void
  /** Breaks each connection that there is after at most so many bytes more in one of its directions, wherever that is in a frame. */
  tear(afterBytes: number): void
  /** Breaks every connection and stops listening. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a TCP proxy that makes a slow or failing link of the loopback: it bounds the rate, adds latency, and reads no faster than it delivers, so
 * that the sender feels it. An end or a reset on one side reaches the other. What the link is like can change at any time.
 *
 * ```ts
 * const link = await startDelayingProxy({ target: { host: '127.0.0.1', port: 9000 }, delayMs: 150 })
 * link.change({ delayMs: 150, megabitsPerSecond: 1 })
 * link.tear(100_000)
 * link.change({ passage: (from) => (from === '127.0.0.2' ? 'blackhole' : 'open') })
 * ```
 *
 * @throws {RangeError} for a rate that is not above zero, or a delay that is negative or endless
 */
export async function startDelayingProxy(init: DelayingProxyInit): Promise<DelayingProxy> {
  const { target, listen = { host: '127.0.0.1', port: 0 } } = init
  const toTarget = new LinkSchedule(Number.POSITIVE_INFINITY, 0)
  const fromTarget = new LinkSchedule(Number.POSITIVE_INFINITY, 0)
  const connections = new Set<ProxiedConnection>()
  let passageOf: (from: string) => Passage = () => 'open'

  const change = ({ megabitsPerSecond = Number.POSITIVE_INFINITY, delayMs = 0, passage = 'open' }: LinkCondition) => {
    if (!(megabitsPerSecond > 0)) throw new RangeError(`not a rate above zero: ${megabitsPerSecond}`)
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY)) throw new RangeError(`not a delay: ${delayMs}`)
    for (const schedule of [toTarget, fromTarget]) schedule.change(megabitsPerSecond * 1e6, delayMs)
    passageOf = typeof passage === 'function' ? passage : () => passage
    for (const connection of [...connections]) connection.pass(passageOf(connection.from))
  }
  const cut = () => {
    for (const connection of [...connections]) connection.reset()
  }
  change(init)

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const passage = passageOf(client.remoteAddress ?? '')
    if (passage === 'closed') {
      client.on('error', () => undefined) // refused all the same
      client.resetAndDestroy()
      return
    }
    const onEnd = () => connections.delete(connection)
    const connection = new ProxiedConnection({ client, target, toTarget, fromTarget, passage, onEnd })
    connections.add(connection)
  })
  server.listen(listen)
  await once(server, 'listening')
  const address = { host: listen.host, port: listeningPort(server) }
  return {
    address,
    get connections() {
      return connections.size
    },
    change,
    cut,
    tear(afterBytes) {
      for (const connection of connections) connection.tear(afterBytes)
    },
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    }
  }
}

function listeningPort(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server')
  return address.port
}
