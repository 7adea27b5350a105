import { randomBytes } from 'node:crypto'
import {
  type ComponentLogger,
  type Connection,
  type Logger,
  type Startable,
  StreamResetError,
  serviceCapabilities
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { PING_PROTOCOL } from '@libp2p/ping'
import { byteStream } from '@libp2p/utils'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { TaskGroup } from '../runtime/task-group.ts'

const PING_BYTES = 32

export interface ConnectionWatchInit {
  /** Milliseconds between beats. @default 1000 */
  readonly beatMs?: number
  /** Beats from one ping of a connection to the next. @default 10 */
  readonly pingBeats?: number
  /** Beats without a sign of life after which a connection is dead. @default 30: a peer that is busy to its limits answers late, and three times in a row it has not */
  readonly deadBeats?: number
  /** @default the machine's */
  readonly clock?: Clock
}

export interface ConnectionWatchComponents {
  readonly connectionManager: ConnectionManager
  readonly logger: ComponentLogger
}

/** What is known of a connection, in beats. */
interface Pulse {
  heardAt: number
  pingedAt: number
  isPinged: boolean
}

/**
 * A service that finds dead connections by pings and aborts them, in place of libp2p's connection monitor. That one aborts at the first ping that took 5 s:
 * under load, here or there, a node lost all its peers at once, and the dials to them made the load worse.
 *
 * Time is counted in beats of this process. A beat that comes late counts once, so a time in which the process stood still is nobody's silence: what the
 * peers sent meanwhile is waiting to be read.
 */
export function connectionWatch(init: ConnectionWatchInit = {}): (components: ConnectionWatchComponents) => Startable {
  return (components) => new ConnectionWatch(components, init)
}

class ConnectionWatch implements Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/connection-watch'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/connection-watch']

  readonly #connectionManager: ConnectionManager
  readonly #log: Logger
  readonly #init: Required<ConnectionWatchInit>
  readonly #pulses = new WeakMap<Connection, Pulse>()
  #tasks: TaskGroup
  #beat = 0

  constructor({ connectionManager, logger }: ConnectionWatchComponents, init: ConnectionWatchInit) {
    this.#connectionManager = connectionManager
    this.#log = logger.forComponent('soma-p2p:connection-watch')
    this.#init = { beatMs: 1_000, pingBeats: 10, deadBeats: 30, clock: systemClock, ...init }
    this.#tasks = this.#newTasks()
  }

  start(): void {
    this.#tasks = this.#newTasks()
    this.#tasks.run((signal) => this.#watch(signal))
  }

  async stop(): Promise<void> {
    await this.#tasks.stop(new Error('this node is stopping'))
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (true) {
      await this.#init.clock.sleep(this.#init.beatMs, { signal })
      this.#beat += 1
      for (const connection of this.#connectionManager.getConnections()) this.#look(connection)
    }
  }

  #look(connection: Connection): void {
    if (connection.status !== 'open') return
    const { pingBeats, deadBeats } = this.#init
    const pulse = this.#pulses.get(connection) ?? { heardAt: this.#beat, pingedAt: this.#beat, isPinged: false }
    this.#pulses.set(connection, pulse)
    if (this.#beat - pulse.heardAt >= deadBeats) {
      this.#log('aborting the connection to %p: no sign of life', connection.remotePeer)
      connection.abort(new Error('no sign of life'))
    } else if (!pulse.isPinged && this.#beat - pulse.pingedAt >= pingBeats) {
      pulse.pingedAt = this.#beat
      pulse.isPinged = true
      this.#tasks.run((signal) => this.#ping(connection, pulse, signal))
    }
  }

  /** Waits for an answer as long as the connection lasts. */
  async #ping(connection: Connection, pulse: Pulse, signal: AbortSignal): Promise<void> {
    try {
      connection.rtt = await ping(connection, this.#init.clock, signal)
      pulse.heardAt = this.#beat
    } catch (thrown) {
      const error = toError(thrown)
      if (isAnswer(error)) pulse.heardAt = this.#beat
      else if (error.name === 'ConnectionClosedError') connection.abort(error) // its streams are over, only the socket is open
    } finally {
      pulse.isPinged = false
    }
  }

  #newTasks(): TaskGroup {
    return new TaskGroup((error) => this.#log.error('connections are not watched any more - %e', error))
  }
}

/** Pings a peer. @returns the milliseconds that it took */
async function ping(connection: Connection, clock: Clock, signal: AbortSignal): Promise<number> {
  const stream = await connection.newStream(PING_PROTOCOL, { signal })
  if (stream.status === 'reset') throw new StreamResetError('refused') // nothing tells of it any more
  try {
    const bytes = byteStream(stream)
    const since = clock.monotonic()
    await Promise.all([bytes.write(randomBytes(PING_BYTES), { signal }), bytes.read({ bytes: PING_BYTES, signal })])
    const took = clock.monotonic() - since
    await stream.close({ signal })
    return took
  } catch (thrown) {
    stream.abort(toError(thrown))
    throw thrown
  }
}

/** Whether somebody is there who does not answer pings: who refuses the protocol, or resets the stream, is alive. */
function isAnswer({ name }: Error): boolean {
  return name === 'UnsupportedProtocolError' || name === 'StreamResetError'
}
