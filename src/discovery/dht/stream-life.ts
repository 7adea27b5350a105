import type { Stream } from '@libp2p/interface'
import { RpcError } from '../../rpc/rpc-error.ts'
import type { Clock } from '../../runtime/clock.ts'

/** Milliseconds that a stream may be open, whatever happens on it. */
const STREAM_LIFE_MS = 30_000

/** Resets a stream that is still open after its time: kad-dht grants more with each message, and leaves closing to the other side. */
export function limitLife(stream: Stream, clock: Clock): void {
  if (stream.status !== 'open') return // nothing tells of its end any more
  const closed = new AbortController()
  stream.addEventListener('close', () => closed.abort(), { once: true })
  clock.sleep(STREAM_LIFE_MS, { signal: closed.signal }).then(
    () => stream.abort(new RpcError('RPC_TIMEOUT', 'a stream of the DHT open for too long')),
    () => {} // it closed in time
  )
}
