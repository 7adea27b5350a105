import { type Startable, type Stream, serviceCapabilities } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { PING_PROTOCOL } from '@libp2p/ping'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'

/** Streams of pings that a peer may have open: two, by the specification, for one may be about to close. */
const MAX_INBOUND_STREAMS = 2
/** Streams of our own pings on one connection: that of the moment, and those that are being reset. */
const MAX_OUTBOUND_STREAMS = 8

export interface PingsInit {
  /** Milliseconds without a ping after which a peer's stream of them is reset. @default 60000 */
  readonly idleMs?: number
  /** Milliseconds between looks for our own pings that peers leave open: below those between pings, 10000. @default 2000 */
  readonly sweepMs?: number
  /** @default the machine's */
  readonly clock?: Clock
}

export interface PingsComponents {
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
}

/**
 * A service that answers pings, in place of `@libp2p/ping`, and clears up after those of the connection watch. Other implementations ping by one
 * stream for as long as they are connected, and leave open the streams by which they are pinged. The stock service resets the first after 10 s, which parts us from a
 * healthy peer, and too many of the second would keep us from pinging.
 */
export function pings({
  idleMs = 60_000,
  sweepMs = 2_000,
  clock = systemClock
}: PingsInit = {}): (components: PingsComponents) => Startable {
  return ({ registrar, connectionManager }) => {
    let running: AbortController | undefined
    return {
      [serviceCapabilities]: ['@libp2p/ping'],
      async start() {
        running = new AbortController()
        void sweep(connectionManager, { clock, everyMs: sweepMs, signal: running.signal })
        await registrar.handle(PING_PROTOCOL, (stream) => answer(stream, { clock, idleMs }), {
          maxInboundStreams: MAX_INBOUND_STREAMS,
          maxOutboundStreams: MAX_OUTBOUND_STREAMS
        })
      },
      async stop() {
        running?.abort()
        await registrar.unhandle(PING_PROTOCOL)
      }
    }
  }
}

/** Sends back what comes, until the other side closes, or is silent for too long. */
async function answer(stream: Stream, { clock, idleMs }: { clock: Clock; idleMs: number }): Promise<void> {
  if (stream.status !== 'open') return // reset before anyone listened: nothing tells of its end any more
  const over = new AbortController()
  let pingedAt = clock.monotonic()
  stream.addEventListener('close', () => over.abort())
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch((thrown: unknown) => stream.abort(toError(thrown)))
  })
  stream.addEventListener('message', ({ data }) => {
    pingedAt = clock.monotonic()
    if (stream.writeStatus === 'writable' && !stream.send(data)) stream.abort(new Error('pings faster than it reads'))
  })
  while (await slept(clock, pingedAt + idleMs - clock.monotonic(), over.signal)) {
    if (clock.monotonic() - pingedAt < idleMs) continue
    stream.abort(new Error('pings no more'))
    return
  }
}

/** Resets our own pings that the other side leaves open, when they are found a second time: it may just be about to close. */
async function sweep(
  connectionManager: ConnectionManager,
  { clock, everyMs, signal }: { clock: Clock; everyMs: number; signal: AbortSignal }
): Promise<void> {
  const found = new WeakSet<Stream>()
  while (await slept(clock, everyMs, signal)) {
    for (const stream of connectionManager.getConnections().flatMap(({ streams }) => streams)) {
      if (stream.protocol !== PING_PROTOCOL || stream.direction !== 'outbound' || stream.writeStatus !== 'closed')
        continue
      if (found.has(stream)) stream.abort(new Error('the stream of a ping left open'))
      else found.add(stream)
    }
  }
}

/** @returns false when it was aborted */
async function slept(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(milliseconds, { signal })
    return true
  } catch {
    return false
  }
}
